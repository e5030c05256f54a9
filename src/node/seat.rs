//! Where a router's control plane sits in its node: frames for the router go in as octets, what it sends comes out as frames.

use super::forward::Entry;
use crate::control::protection;
use crate::control::tables::Tables;
use crate::control::{Change, Control, ControlSpec, Noted, Received, Way};
use crate::frame::{DropReason, Frame, Templates};
use crate::id::{PortId, StreamId, VrfId};
use crate::table::Fib;
use crate::time::{Instant, Span};

/// A control plane in its node.
#[derive(Debug)]
pub struct Seat {
    control: Control,
    stream: StreamId,
    sent: u32,
    quiet_from: Instant,
    /// When its tables are looked at, and what was seen once that was over.
    look_at: Option<Instant>,
    seen: Option<Tables>,
}

/// How a frame that the node made goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onward {
    /// Through the datapath.
    Datapath(Entry),
    /// By this port as it is.
    Port(PortId),
}

impl Seat {
    /// A control plane whose frames are of `stream`. It does nothing from `quiet_from` on, so that a run comes to an end. Its
    /// tables are kept as they are when all of `look_at` has happened.
    pub fn new(
        spec: &ControlSpec,
        delay: Span,
        stream: StreamId,
        quiet_from: Instant,
        look_at: Option<Instant>,
    ) -> Self {
        Seat { control: Control::new(spec, delay), stream, sent: 0, quiet_from, look_at, seen: None }
    }

    /// When it is to be called.
    pub fn due(&self) -> Option<Instant> {
        self.control.poll_timeout().filter(|at| *at < self.quiet_from)
    }

    /// Whether a control plane takes what the datapath has no use for and would drop for `reason`: ARP, and what routers tell
    /// each other of links.
    pub fn wants(reason: DropReason, frame: &Frame, templates: &Templates) -> bool {
        reason == DropReason::Arp
            || (reason == DropReason::NotIp && frame.octets(templates).ethertype == protection::ETHERTYPE)
    }

    /// A frame for the router came by `port` at `now`.
    pub fn receive(&mut self, now: Instant, port: PortId, vrf: VrfId, frame: &Frame, templates: &Templates) {
        if now < self.quiet_from {
            let mut octets = Vec::new();
            frame.emit(templates, &mut octets);
            self.control.handle_frame(now, Received { port, vrf, octets });
        }
    }

    /// It is time. The tables of forwarding are those before.
    pub fn handle(&mut self, now: Instant, fib: &Fib) {
        if let Some(at) = self.look_at.filter(|at| *at < now && self.seen.is_none()) {
            self.seen = Some(self.look(at, fib));
        }
        self.control.handle_timeout(now);
    }

    /// What forwarding has to do otherwise.
    pub fn poll_change(&mut self) -> Option<Change> {
        self.control.poll_change()
    }

    /// A frame that it sends at `now`.
    pub fn poll_frame(&mut self, now: Instant) -> Option<(Onward, Frame)> {
        let outgoing = self.control.poll_transmit()?;
        let parsed = Frame::parse(&outgoing.octets, outgoing.octets.len() as u32, None);
        let mut frame = parsed.expect("protocols make no frame that is too long").frame;
        (frame.at, frame.id.sent, frame.id.stream, frame.id.seq) = (now, now, self.stream, self.sent);
        self.sent = self.sent.wrapping_add(1);
        let onward = match outgoing.way {
            Way::Routed(vrf) => Onward::Datapath(Entry::Own(vrf)),
            Way::Port { port, class } => {
                frame.header.meta = frame.header.meta.with_class(class);
                Onward::Port(port)
            }
        };
        Some((onward, frame))
    }

    /// Frames for the router that no protocol of it took.
    pub fn unclaimed(&self) -> u64 {
        self.control.unclaimed()
    }

    /// Its tables when they were looked at; where that is later than all that happened, as they are.
    pub fn tables(&self, fib: &Fib) -> Option<Tables> {
        self.look_at.map(|at| self.seen.clone().unwrap_or_else(|| self.look(at, fib)))
    }

    fn look(&self, at: Instant, fib: &Fib) -> Tables {
        Tables { labels: fib.label_map().collect(), ..self.control.tables(at) }
    }

    /// What happened so far.
    pub fn log(&self) -> &[Noted] {
        self.control.log()
    }
}
