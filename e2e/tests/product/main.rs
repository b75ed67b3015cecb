//! The whole product, as two people have it before them. Each file is one side of it; each test's name is a claim.

mod chat;
mod tabs;
