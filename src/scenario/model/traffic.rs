//! Streams of a scenario as meant: who sends to whom, what and how much; when a run ends is not theirs to say.

use super::{ServiceId, SiteId, VnetId};
use crate::scenario::source::{Extent, Located};
use crate::time::Span;
use crate::traffic::stream::{Layer, StreamPace, StreamSpec};

/// Who sends or receives a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// The hosts of a site.
    Site(SiteId),
    /// The hosts of a virtual network.
    Vnet(VnetId),
    /// The hosts of a public service.
    Service(ServiceId),
}

/// A stream (`[[traffic]]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Its name; `FROM to TO` where none is given. No other stream has it.
    pub name: Located<String>,
    /// Where its table is.
    pub at: Extent,
    /// Who sends it.
    pub from: StreamEnd,
    /// Who is to have it.
    pub to: StreamEnd,
    /// Whether it comes from outside to public addresses that stand for others (NAT): then its port is that of servers
    /// inside.
    pub is_translated: bool,
    /// What is sent, without an end, from the seed 0: a run adds both ([`Scenario::stream`](crate::scenario::Scenario::stream)).
    pub template: StreamSpec,
    /// The rate as it is written.
    pub rate: String,
    /// What the rate counts; `None` if it counts frames.
    pub counts: Option<Layer>,
    /// When its first frame is sent.
    pub begin: Located<Span>,
    /// When it ends, if not with the run.
    pub end: Option<Located<Span>>,
}

impl Traffic {
    /// Whether it runs at `now`, a time from the start of the run.
    pub fn runs_at(&self, now: Span) -> bool {
        self.begin.value <= now && self.end.is_none_or(|end| now < end.value)
    }

    /// How fast it goes.
    pub fn pace(&self) -> StreamPace {
        self.template.pace().expect("reading refuses streams that there cannot be")
    }

    /// The stream in a run of `duration`, all that is random drawn from `seed`; `None` if the run ends before it begins.
    pub(in crate::scenario) fn spec(&self, duration: Span, seed: u64) -> Option<StreamSpec> {
        let end = self.end.map_or(duration, |end| end.value.min(duration));
        let end = (self.begin.value < end).then(|| crate::time::Instant::ZERO + end)?;
        Some(StreamSpec { end: Some(end), seed, ..self.template.clone() })
    }
}
