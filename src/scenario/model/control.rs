//! Control planes as meant: what holds for those of all routers; what a peering's sessions have is in `session`.

use crate::control::CarrierSpec;
use crate::time::Span;

/// Control planes of the whole network (`[control]`). They run in drills; elsewhere all sessions are up.
///
/// None of these figures is Microsoft's: it publishes none of them. All are this project's assumptions, settable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// Whether sessions run.
    pub sessions: Sessions,
    /// Virtual time before instant 0 in which sessions come up: 0 to 600 s. 10 s if absent.
    pub settle: Span,
    /// From a route in the table of routes to the same in the forwarding table: 0 to 60 s. 10 ms if absent. Where it is 0
    /// a change still comes [`punt_delay`](super::Settings::punt_delay) after the frame that brought it.
    pub programming_delay: Span,
    /// What each prefix adds to that, one after another: 0 to 1 s. 0 if absent.
    pub programming_per_prefix: Span,
    /// How ports take loss of signal where their port pair says nothing else: both delays 0 to 60 s, 0 if absent.
    pub carrier: CarrierSpec,
    /// Whether, when one of several equal ways goes, the flows of the others stay where they are. False if absent: then all
    /// are spread anew. What Microsoft's edge does is not published.
    pub resilient_hashing: bool,
    /// How long an entry of the neighbour table is good without a word of the neighbour: 10 s to 24 h. 4 h if absent.
    pub arp_age: Span,
}

/// Whether sessions run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// BFD and BGP run, packet by packet; what they learn makes the forwarding tables.
    Live,
    /// All sessions are up, always; the forwarding tables are made once. Then no event changes a route: providers alone repair
    /// their paths.
    Static,
}

impl Default for Control {
    /// What holds where nothing is written.
    fn default() -> Self {
        Control {
            sessions: Sessions::Live,
            settle: Span::from_s(10),
            programming_delay: Span::from_ms(10),
            programming_per_prefix: Span::ZERO,
            carrier: CarrierSpec::default(),
            resilient_hashing: false,
            arp_age: Span::from_s(4 * 3600),
        }
    }
}
