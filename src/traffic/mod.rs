//! Sources of frames: captures replayed by a schedule, mapped, split and counted, and generated streams; they run nothing.

mod flow_table;
pub mod map;
pub mod replay;
pub mod schedule;
pub mod split;
pub mod stream;

pub use flow_table::MAX_FLOWS;
