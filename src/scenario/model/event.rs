//! Events of a scenario as meant: what happens to which link, and when; what it does to a network is not here.

use super::{PairId, Plane, ProviderId};
use crate::scenario::source::{Extent, Located};
use crate::time::Span;

/// Something that happens to a link during a run (`[[event]]`). Where several overlap, all hold: a link is cut while any cut
/// of it lasts, and loads add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name; `cut of london.primary at 2s` where none is given. No other event has it.
    pub name: Located<String>,
    /// Where its table is.
    pub written: Extent,
    /// When it begins, from the start of the run; before the run ends, where the scenario says when that is.
    pub at: Located<Span>,
    /// How long it lasts, above zero; `None`: as long as the run.
    pub lasts: Option<Located<Span>>,
    /// The link that it happens to.
    pub target: Located<EventTarget>,
    /// What happens.
    pub what: EventKind,
}

/// The link that an event happens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventTarget {
    /// The link that ends at Microsoft's port of this plane, for all circuits of the pair. With ExpressRoute Direct its other
    /// end is the customer's port, in the other models the provider's.
    Connection(PairId, Plane),
    /// A link between two P routers of a provider: its place in
    /// [`CoreGraph::link_names`](super::CoreGraph::link_names).
    ProviderLink(ProviderId, usize),
}

/// One of the two directions of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Towards Microsoft; of a provider's link from the first of its two routers to the second.
    Forth,
    /// From Microsoft; from the second router to the first.
    Back,
}

impl Way {
    /// The other one.
    pub const fn opposite(self) -> Way {
        match self {
            Way::Forth => Way::Back,
            Way::Back => Way::Forth,
        }
    }
}

/// One direction, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ways {
    /// Both.
    Both,
    /// One alone.
    One(Way),
}

/// What of a cable is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fibres {
    /// Both: both ends see loss of signal.
    Both,
    /// The one of this direction: its far end sees loss of signal.
    One {
        /// The direction that is lost.
        way: Way,
        /// Whether that end tells the sender by a remote fault (IEEE 802.3 §46.3.4, §81.3.4), which takes its port down too. Without it
        /// the sender sees nothing. True if absent.
        remote_fault: bool,
    },
}

/// What a port is loaded with, all octets on the wire counted: preamble and gap too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackgroundLoad {
    /// A share of what the port can carry, in parts per 10^9: above 0, up to ten times.
    Line {
        /// Parts per 10^9.
        ppb: u64,
    },
    /// Bits per second: above 0, up to 4 Tb/s.
    Bits {
        /// Bits per second.
        bps: u64,
    },
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The cable is cut: who sees loss of signal takes the port down after its `carrier_delay`. What is on its way beyond the
    /// cut still arrives.
    Cut {
        /// Which fibres.
        fibres: Fibres,
        /// Where, from the customer's end or the first router, in parts per 10^9 of the length. Half way if absent.
        place_ppb: u32,
    },
    /// Frames are lost, and nothing shows it: no port goes down, so that sessions alone can notice.
    Blackhole {
        /// Of which directions.
        ways: Ways,
    },
    /// The sending ports carry other traffic too, without beginning or end, evenly spaced.
    Congest {
        /// Of which directions.
        ways: Ways,
        /// How much.
        load: BackgroundLoad,
        /// Octets of each of its frames, with FCS: 64 to 16384. 1518 if absent.
        frame_octets: u16,
        /// Its class, 0 to 7. 0 if absent.
        class: u8,
    },
}

impl EventKind {
    /// The word that a scenario has for it.
    pub const fn word(&self) -> &'static str {
        match self {
            EventKind::Cut { .. } => "cut",
            EventKind::Blackhole { .. } => "blackhole",
            EventKind::Congest { .. } => "congest",
        }
    }
}

impl Event {
    /// When it is over, from the start of the run; `None`: with the run.
    pub fn end(&self) -> Option<Span> {
        // What is past the range is past every run.
        self.lasts.map(|lasts| self.at.value.saturating_add(lasts.value))
    }

    /// Whether it holds at `now`, a time from the start of the run.
    pub fn holds_at(&self, now: Span) -> bool {
        self.at.value <= now && self.end().is_none_or(|end| now < end)
    }
}
