//! Sources of frames and what is counted of them.

pub mod schedule;
