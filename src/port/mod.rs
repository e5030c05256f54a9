//! What a frame meets at a port: serialisation, queues, policers; and on a link: loss and cuts.

mod egress;
mod fault;
mod gate;
mod policer;
mod strict;

pub use egress::{Egress, PortSpec, Refused};
pub use fault::{Fault, FaultSpec, Outage, start_of};
pub use gate::{Gate, GateSpec, InstanceCounts};
pub use policer::{Policer, PolicerSpec, PolicerTable, Policing};
pub use strict::{Arrival, Classes, Departure, Leaving, StrictQueues};
