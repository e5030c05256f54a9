//! From what the reference engine tells to a trace.

use super::describe::describe;
use super::step::port_name;
use super::{End, Entry, Headers, Journey, Made, Out, SCHEMA, SlowPath, Stage, Step, Trace, reason};
use crate::engine::reference::{DropPlace, Event, What};
use crate::engine::{Network, NodeSpec};
use crate::frame::Frame;
use crate::node::{self, Fate, PuntReason};
use crate::table::Fib;
use crate::time::Instant;

/// Listens to the reference engine and gathers a trace.
#[derive(Debug)]
pub struct Gather<'a> {
    network: &'a Network,
    frames: Vec<Journey>,
    /// Per frame, whether it is at the node of its last stage.
    inside: Vec<bool>,
}

impl<'a> Gather<'a> {
    /// Nothing gathered yet, of a run of `network`.
    pub fn new(network: &'a Network) -> Self {
        Gather { network, frames: Vec::new(), inside: Vec::new() }
    }

    /// To be told every event of the run, from its beginning.
    pub fn watch(&mut self, event: Event<'_>) {
        let spec = &self.network.nodes[event.node.index()];
        let at_ps = event.at.as_ps();
        match event.what {
            What::Offered => {
                self.begin(event, None);
                self.come(event, Entry::Source);
            }
            What::Made { from, enters } => self.made(event, from, enters),
            What::Arrived(port) => self.come(event, Entry::Port { port: port_name(spec, port) }),
            What::Entered(_) => self.come(event, Entry::SlowPath),
            What::Forwarded { fib, steps, .. } => self.forwarded(event, fib, steps),
            What::Queued { port, queue, ahead } => {
                let (port, queues) = (port_name(spec, port), spec.ports[port.index()].queues());
                let out = Out { port, queue, queues, ahead_ps: ahead.as_ps(), start_ps: None, last_bit_ps: None };
                self.stage(event, |stage| stage.out = Some(out));
            }
            What::Started { last_bit, .. } => {
                self.stage(event, |stage| {
                    if let Some(out) = &mut stage.out {
                        (out.start_ps, out.last_bit_ps) = (Some(at_ps), Some(last_bit.as_ps()));
                    }
                });
                self.inside[event.number as usize] = false;
            }
            What::Punted { reason, vrf, fate } => self.punted(event, reason, vrf.0, fate),
            What::Consumed => self.end(event, End::Consumed { node: spec.name.clone(), at_ps }),
            What::Delivered(port) => {
                self.end(event, End::Delivered { node: spec.name.clone(), port: port_name(spec, port), at_ps });
            }
            What::Dropped { place, reason } => self.dropped(event, spec, place, reason),
        }
    }

    /// What was gathered.
    pub fn finish(self) -> Trace {
        Trace { schema: SCHEMA, frames: self.frames }
    }

    /// A new frame. The engine numbers frames from 0 as they come up.
    fn begin(&mut self, event: Event<'_>, made_from: Option<u64>) {
        debug_assert_eq!(event.number, self.frames.len() as u64);
        let what = describe(event.frame, &self.network.templates);
        self.frames.push(Journey { number: event.number, made_from, what, stages: Vec::new(), end: End::InNetwork });
        self.inside.push(false);
    }

    /// A frame comes to a node.
    fn come(&mut self, event: Event<'_>, entry: Entry) {
        let headers = self.headers(event.frame);
        let what = describe(event.frame, &self.network.templates);
        let translated = self.journey(event).stages.last_mut().and_then(|stage| stage.slow_path.as_mut());
        if let Some(slow_path) =
            translated.filter(|slow_path| slow_path.why == "translate" && slow_path.became.is_none())
        {
            slow_path.became = Some(what);
        }
        let stage = Stage {
            node: self.network.nodes[event.node.index()].name.clone(),
            at_ps: event.at.as_ps(),
            entry,
            came: headers.clone(),
            steps: Vec::new(),
            left: headers,
            slow_path: None,
            out: None,
        };
        self.journey(event).stages.push(stage);
        self.inside[event.number as usize] = true;
    }

    fn made(&mut self, event: Event<'_>, from: u64, enters: Instant) {
        self.begin(event, Some(from));
        let what = self.journey(event).what.clone();
        let made = Made { number: event.number, what, enters_ps: enters.as_ps() };
        let maker = self.frames[from as usize].stages.last_mut();
        if let Some(slow_path) = maker.and_then(|stage| stage.slow_path.as_mut()) {
            slow_path.made.push(made);
        }
    }

    fn forwarded(&mut self, event: Event<'_>, fib: &Fib, steps: &[node::Step]) {
        let spec = &self.network.nodes[event.node.index()];
        let hash = event.frame.header.hash;
        let steps: Vec<_> = steps.iter().filter_map(|step| Step::of(step, fib, spec, hash)).collect();
        self.stage(event, |stage| stage.steps = steps);
    }

    fn punted(&mut self, event: Event<'_>, why: PuntReason, vrf: u16, fate: Fate) {
        let (why, mtu) = match why {
            PuntReason::Local => ("local", None),
            PuntReason::TtlExpired => ("ttl_expired", None),
            PuntReason::MplsTtlExpired => ("mpls_ttl_expired", None),
            PuntReason::MtuExceeded { mtu } => ("mtu_exceeded", Some(mtu)),
            PuntReason::Translate(_) => ("translate", None),
        };
        self.stage(event, |stage| stage.slow_path = Some(SlowPath { why, mtu, vrf, became: None, made: Vec::new() }));
        if fate == Fate::Consumed {
            let (node, at_ps) = (self.network.nodes[event.node.index()].name.clone(), event.at.as_ps());
            self.end(event, if mtu.is_some() { End::Cut { node, at_ps } } else { End::Consumed { node, at_ps } });
        }
    }

    fn dropped(&mut self, event: Event<'_>, spec: &NodeSpec, place: DropPlace, why: crate::frame::DropReason) {
        let (place, port) = match place {
            DropPlace::Ingress(port) => ("ingress", Some(port_name(spec, port))),
            DropPlace::Egress(port) => ("egress", Some(port_name(spec, port))),
            DropPlace::SlowPath => ("slow_path", None),
        };
        let super::Reason { words, standard } = reason(why);
        let (node, at_ps, reason) = (spec.name.clone(), event.at.as_ps(), why.name());
        let arrived = self.inside[event.number as usize];
        if arrived {
            self.stage(event, |_| ());
        }
        self.journey(event).end = End::Dropped { node, place, port, arrived, at_ps, reason, words, standard };
    }

    /// Changes the last stage of the event's frame, and notes its headers as they are by now.
    fn stage(&mut self, event: Event<'_>, change: impl FnOnce(&mut Stage)) {
        let headers = self.headers(event.frame);
        if let Some(stage) = self.journey(event).stages.last_mut() {
            stage.left = headers;
            change(stage);
        }
    }

    fn end(&mut self, event: Event<'_>, end: End) {
        self.journey(event).end = end;
    }

    fn journey(&mut self, event: Event<'_>) -> &mut Journey {
        &mut self.frames[event.number as usize]
    }

    fn headers(&self, frame: &Frame) -> Headers {
        Headers::of(frame, &self.network.templates)
    }
}
