//! Results as plain data, written as text and JSON.
