//! Sources of frames: captures replayed by a schedule, mapped, split and counted; they run nothing.

pub mod map;
pub mod replay;
pub mod schedule;
pub mod split;
