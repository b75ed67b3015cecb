//! The app of B4.
