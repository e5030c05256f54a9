//! The engine on the virtual clock: links, horizons, threads; and the reference engine that it must equal.
//!
//! ```text
//! run -> threads -> nodes -> step: horizon of the inputs -> chunks of frames -> links -> other nodes
//!                                                        \-> observed frames -> merge -> sink
//! ```
//! The outcome is the same for the same network, sources and seed, at any number of threads.

mod atomics;
mod clock;
mod driver;
mod flows;
mod gate;
mod host;
mod input;
mod link;
mod memory;
pub mod network;
mod observe;
mod order;
pub mod outcome;
mod output;
mod partition;
mod pin;
pub mod reference;
mod router;
mod source;
mod subs;
mod supplies;

pub use driver::{DEFAULT_WINDOW, Run, run};
pub use memory::{Beneath, Load, Memory, Offered, Part};
pub use network::{LinkSpec, Network, NodeSpec, Role, RouterSpec};
pub use observe::{At, Observe, Seen, Sink};
pub use outcome::{Delivery, NodeOutcome, Outcome, PortOutcome, Share, SourceOutcome, SubInterfaceOutcome};
pub use partition::{Offer, Partition, Team, partition};
pub use source::{BodyPool, Feed, FeedSource, Source, feed};

pub use crate::frame::Count;

use crate::frame::Templates;
use crate::time::Instant;
use clock::Shared;

/// Ports of one node at the most.
pub const MAX_PORTS: usize = 31;

/// What a node is given at each step.
struct Step<'a> {
    shared: &'a Shared,
    templates: &'a Templates,
    /// The end of the run.
    until: Instant,
    /// The thread that steps, and whether it last said that it is idle.
    thread: usize,
    idle: bool,
}

impl Step<'_> {
    /// Must come before anything is taken from a ring, or done.
    #[inline(always)]
    fn set_busy(&mut self) {
        if self.idle {
            self.idle = false;
            self.shared.set_busy(self.thread);
        }
    }
}

/// What a step of a node came to.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// It did something.
    worked: bool,
    /// It could not hand over all that it sent: a ring is full.
    stuck: bool,
}
