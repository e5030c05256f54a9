//! Results as plain data, written as text and JSON.

pub mod trace;
