//! Results as plain data, written as text and JSON; a figure that can be in both is the same in both.

mod control;
mod drill;
mod engine;
mod metrics;
mod prometheus;
mod replay;
mod tables;
mod text;
pub mod trace;

pub use control::{ControlEvent, ControlFigures, ControlNews, SessionFigures, SessionId};
pub use drill::{Asked, Drill, FrameSize, LayerRates, Loss, StreamFigures, Streamed};
pub use engine::{Build, ENGINE_SCHEMA, EngineReport, NetworkSpeed, Speed, Teams, engine_text};
pub use metrics::{Aggregation, Definition, Metric, MetricsSpan, Resource, ResourceType, Thousandths, Unit};
pub use prometheus::prometheus_text;
pub use replay::{
    Balance, CaptureFound, Circuit, Connection, Delivered, Dropped, Engine, NetworkFigures, NodeDrops, PortFigures,
    Rate, Replay, ServiceFigures, SourceFigures, all_drops, slow_path_drops,
};
pub use tables::{ArpRow, BfdNeighbor, BgpNeighbor, LabelRow, LabelWay, RouteRow, RouterTables, TableFigures};
pub use text::drill::{drill as drill_text, stream_text};
pub use text::replay as replay_text;

/// The schema of every JSON report: fields are added within a version, not changed.
pub const SCHEMA: &str = "biplane.report/v1";
