//! The whole product, as two people have it before them. Each file is one side of it; each test's name is a claim.

mod access;
mod chat;
mod contacts;
mod failures;
mod hostile;
mod install;
mod names;
mod recovery;
mod renewal;
mod ring;
mod tabs;

/// `word 1` to `word count`.
fn numbered(word: &str, count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("{word} {number}")).collect()
}

/// "hello", with which every pair begins, and what followed.
fn after_hello(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    std::iter::once("hello".to_owned()).chain(texts).collect()
}
