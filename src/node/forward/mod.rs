//! The datapath: what one router does with one frame. Pure: no clock, no counters, no panic for any octets.
//!
//! ```text
//! forward -> short way, for what nearly all frames need ----------------------------------> Transmit
//!        \-> sub-interface -> label path -> IP path -> next hop: labels, tags, addresses -> Transmit
//!                          \-> layer 2 (cross-connect, pseudowire) ------/
//! ```
//! Where the standards leave a choice it is made here and stated at its line.

mod ip;
mod label;
mod layer2;
mod short;
mod witness;

pub use short::{forward as forward_short, look_ahead};
pub use witness::{Step, Witness};

use crate::frame::{DropReason, Frame, Kind, Meta, Templates};
use crate::id::{PortId, VrfId};
use crate::table::{Fib, Matched, NextHop, PcpRule, Service, SubInterface, TagRule, Target, Translation};
use crate::wire::ethernet::{self, FCS_OCTETS, HEADER_OCTETS};
use crate::wire::mpls::{self, Lse};
use crate::wire::{ipv4, ipv6};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a frame enters the datapath.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// From the wire.
    Port(PortId),
    /// From the router itself (its slow path), in this VRF.
    Local(VrfId),
    /// What the router has to say for itself (its control plane), in this VRF: nothing is taken off its TTL, for it is not
    /// forwarded (RFC 1812 §5.3.1).
    Own(VrfId),
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It leaves by this port, as it is now.
    Transmit(PortId),
    /// The router's slow path takes it.
    Punt {
        /// Why.
        reason: PuntReason,
        /// The VRF it was in.
        vrf: VrfId,
    },
    /// It goes no further.
    Drop(DropReason),
}

/// Why a frame goes to the slow path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PuntReason {
    /// It is for the router itself.
    Local,
    /// The IP TTL is 1 or 0 and the packet is not for this router.
    TtlExpired,
    /// The TTL of a label is 1 or 0 and the frame is not for this router (RFC 3032 §2.4.2).
    MplsTtlExpired,
    /// The packet is too long for the next link.
    MtuExceeded {
        /// The largest IP packet in octets that would go: the MTU less the labels (RFC 3032 §3.4).
        mtu: u16,
    },
    /// Its addresses are to be translated.
    Translate(Translation),
}

/// What one router does with one frame: its headers are rewritten in place.
#[inline(always)]
pub fn forward(fib: &Fib, templates: &Templates, entry: Entry, frame: &mut Frame) -> Verdict {
    if let Entry::Port(port) = entry
        && let Some(ingress) = fib.ingress(port.index())
        && let Some(out) = forward_short(fib, ingress, templates, frame)
    {
        return Verdict::Transmit(out);
    }
    forward_long(fib, templates, entry, frame)
}

/// The same by the long way alone: what [`forward_short`] leaves over.
#[inline(never)]
pub fn forward_long(fib: &Fib, templates: &Templates, entry: Entry, frame: &mut Frame) -> Verdict {
    forward_seen(fib, templates, entry, frame, &mut ())
}

/// The same by the long way, which has all the rules, with a witness that is told each step.
pub fn forward_seen<W: Witness>(
    fib: &Fib,
    templates: &Templates,
    entry: Entry,
    frame: &mut Frame,
    witness: &mut W,
) -> Verdict {
    let mut pass = Pass { fib, templates, witness };
    match pass.enter(entry, frame) {
        Ok(out) => Verdict::Transmit(out.port()),
        Err(aside) => aside.verdict(),
    }
}

/// One frame's way through one router.
struct Pass<'a, W> {
    fib: &'a Fib,
    templates: &'a Templates,
    witness: &'a mut W,
}

/// What is known of a frame on a routed path.
#[derive(Clone, Copy)]
struct Routed {
    vrf: VrfId,
    /// Inline tags that led to the sub-interface; they are gone on the way out.
    tags: u8,
    /// The TTL of a label popped here was 1 or 0: the frame may be for this router, but goes no further.
    expired: bool,
    /// A router alert label that was on top: it goes back on top of the labels that the frame leaves with.
    alert: Option<Lse>,
}

impl Routed {
    /// Octets that a router alert adds to a frame that leaves with labels.
    #[inline(always)]
    fn alert_octets(self) -> u16 {
        if self.alert.is_some() { mpls::LSE_OCTETS } else { 0 }
    }
}

/// What a path comes to: the frame leaves by a port, or does not leave.
///
/// Both are one word wide, so that a decision travels in registers: as an enum of small parts it was written to the stack
/// in pieces and read back in wider ones, and each such read waited for the store.
type Decision = Result<Out, Aside>;

/// The port that a frame leaves by.
#[derive(Clone, Copy)]
struct Out(u64);

impl Out {
    #[inline(always)]
    const fn by(port: PortId) -> Self {
        Out(port.0 as u64)
    }

    #[inline(always)]
    const fn port(self) -> PortId {
        PortId(self.0 as u16)
    }
}

/// A frame that does not leave: what is done with it (8 bits), the reason of a drop (8), the VRF (16), an MTU or a
/// pool (16).
#[derive(Clone, Copy)]
struct Aside(u64);

impl Aside {
    const DROP: u64 = 0;
    const LOCAL: u64 = 1;
    const TTL: u64 = 2;
    const MPLS_TTL: u64 = 3;
    const MTU: u64 = 4;
    const OUTWARD: u64 = 5;
    const INWARD: u64 = 6;

    #[inline(always)]
    const fn punt(reason: PuntReason, vrf: VrfId) -> Self {
        let reason = match reason {
            PuntReason::Local => Aside::LOCAL,
            PuntReason::TtlExpired => Aside::TTL,
            PuntReason::MplsTtlExpired => Aside::MPLS_TTL,
            PuntReason::MtuExceeded { mtu } => Aside::MTU | (mtu as u64) << 32,
            PuntReason::Translate(Translation::Outward(pool)) => Aside::OUTWARD | (pool as u64) << 32,
            PuntReason::Translate(Translation::Inward(pool)) => Aside::INWARD | (pool as u64) << 32,
        };
        Aside(reason | (vrf.0 as u64) << 16)
    }

    fn verdict(self) -> Verdict {
        let reason = match self.0 & 0xff {
            Aside::DROP => return Verdict::Drop(DropReason::ALL[usize::from((self.0 >> 8) as u8)]),
            Aside::LOCAL => PuntReason::Local,
            Aside::TTL => PuntReason::TtlExpired,
            Aside::MPLS_TTL => PuntReason::MplsTtlExpired,
            Aside::OUTWARD => PuntReason::Translate(Translation::Outward((self.0 >> 32) as u8)),
            Aside::INWARD => PuntReason::Translate(Translation::Inward((self.0 >> 32) as u8)),
            _ => PuntReason::MtuExceeded { mtu: (self.0 >> 32) as u16 },
        };
        Verdict::Punt { reason, vrf: VrfId((self.0 >> 16) as u16) }
    }
}

impl From<DropReason> for Aside {
    #[inline(always)]
    fn from(reason: DropReason) -> Self {
        Aside(Aside::DROP | (reason as u64) << 8)
    }
}

impl<'a, W: Witness> Pass<'a, W> {
    #[inline(always)]
    fn enter(&mut self, entry: Entry, frame: &mut Frame) -> Decision {
        let matched = match entry {
            Entry::Port(port) => {
                let ingress = self.fib.ingress(port.index()).ok_or(DropReason::VlanNotMember)?;
                let matched = ingress.locate(frame)?.matched(ingress);
                self.witness.saw(Step::SubInterface(matched));
                if let Service::Route(_) | Service::RoutePublic { .. } = matched.sub.service
                    && (frame.header.meta.tags() > matched.tags || frame.header.meta.kind() == Kind::Tag)
                {
                    return Err(ingress.tag_in_the_way(frame, matched.tags, self.templates).into());
                }
                matched
            }
            Entry::Own(vrf) => return self.own_path(vrf, frame),
            Entry::Local(vrf) => {
                let sub = SubInterface { service: Service::Route(vrf), mpls: true, reset_dscp: false };
                Matched { sub, tags: frame.header.meta.tags(), priority: None }
            }
        };
        match matched.sub.service {
            Service::Route(vrf) => self.routed(matched, vrf, frame),
            Service::RoutePublic { vrf, sources } => {
                self.admit_public(sources, frame)?;
                self.routed(matched, vrf, frame)
            }
            Service::CrossConnect { next_hop, pop, filter_reserved } => {
                let arrived = self.arrived_at_layer2(entry, matched, frame, pop);
                self.cross_connect(frame, next_hop, arrived, filter_reserved)
            }
            Service::Pseudowire { next_hop, pop, control_word } => {
                let arrived = self.arrived_at_layer2(entry, matched, frame, pop);
                self.enter_pseudowire(frame, next_hop, arrived.pop, control_word)
            }
        }
    }

    #[inline(always)]
    fn routed(&mut self, matched: Matched, vrf: VrfId, frame: &mut Frame) -> Decision {
        let mut meta = frame.header.meta;
        let routed = Routed { vrf, tags: matched.tags, expired: false, alert: None };
        if meta.labels() > 0 {
            if !matched.sub.mpls {
                return Err(DropReason::MplsNotEnabled.into());
            }
            frame.header.meta = meta.with_class(Lse(frame.header.lse[0]).tc());
            return self.label_path(routed, frame);
        }
        if !matches!(meta.kind(), Kind::Ipv4 | Kind::Ipv6) {
            return Err(not_ip(frame, self.templates, matched.sub.mpls).into());
        }
        if matched.sub.reset_dscp {
            meta = meta.with_traffic_class(meta.traffic_class() & 3);
        }
        frame.header.meta = meta.with_class(matched.priority.unwrap_or(meta.traffic_class() >> 5));
        self.ip_path(routed, frame)
    }

    /// What Microsoft peering asks of a packet: a source of the list, and of the DSCP one that it has a class for, else 0
    /// (EXPRESSROUTE: QoS requirements).
    fn admit_public(&mut self, sources: u8, frame: &mut Frame) -> Result<(), Aside> {
        let meta = frame.header.meta;
        let payload = frame.octets(self.templates).payload();
        let source = match meta.kind() {
            Kind::Ipv4 => ipv4::source(payload).map(|source| IpAddr::V4(Ipv4Addr::from_bits(source))),
            Kind::Ipv6 => ipv6::source(payload).map(|source| IpAddr::V6(Ipv6Addr::from_bits(source))),
            _ => None,
        };
        if source.is_some_and(|source| !self.fib.has_source(sources, source)) {
            return Err(DropReason::SourceNotAdvertised.into());
        }
        if !MICROSOFT_DSCP.contains(&(meta.traffic_class() >> 2)) {
            frame.header.meta = meta.with_traffic_class(meta.traffic_class() & 3);
        }
        Ok(())
    }

    /// Chooses among next hops of equal cost.
    #[inline(always)]
    fn choose(&mut self, set: crate::table::NextHopSet, frame: &Frame) -> &'a NextHop {
        let (place, next_hop) = self.fib.choose(set, frame.header.hash);
        self.witness.saw(Step::NextHop { set: Some(set), place });
        next_hop
    }

    /// Labels, tags and addresses of `next_hop` on a routed or labelled frame, whose packet has TTL `inner`.
    #[inline(always)]
    fn write(&mut self, frame: &mut Frame, next_hop: &NextHop, tags: u8, inner: u8) -> Decision {
        if !next_hop.push.labels().is_empty() {
            self.push_labels(frame, next_hop, inner);
        }
        self.leave(frame, next_hop, tags)
    }

    /// Tags and addresses of `next_hop`; the arriving tags that led here are gone.
    #[inline(always)]
    fn leave(&mut self, frame: &mut Frame, next_hop: &NextHop, tags: u8) -> Decision {
        let port = match next_hop.target {
            Target::Port(port) => port,
            Target::Local | Target::Translate(_) => return Err(DropReason::NoListener.into()),
            Target::Discard(reason) => return Err(reason.into()),
        };
        if let TagRule::Push { tags: mut pushed, count, pcp } = next_hop.tags {
            if pcp == PcpRule::Copy {
                pushed = pushed.map(|tag| tag.with_priority(frame.header.meta.class(), false));
            }
            frame.replace_tags(self.templates, tags, pushed, count);
        }
        // All of the word is written: a store to a part of it would hold up the next read of the whole.
        let meta = frame.header.meta;
        frame.header.meta = meta.with_mac(if next_hop.mac.0 == 0 { meta.mac() } else { next_hop.mac });
        self.witness.saw(Step::Written(port));
        Ok(Out::by(port))
    }

    /// The next hop's labels, the last of them first; an entropy label pair beneath the topmost (RFC 6790 §4.2).
    #[inline(always)]
    fn push_labels(&mut self, frame: &mut Frame, next_hop: &NextHop, inner: u8) {
        let (push, class, hash) = (&next_hop.push, frame.header.meta.class(), frame.header.hash);
        for (place, &label) in push.labels().iter().enumerate().rev() {
            if place == 0 && push.entropy {
                let entropy = mpls::FIRST_ORDINARY + hash % (mpls::MAX_LABEL + 1 - mpls::FIRST_ORDINARY);
                let bottom = frame.header.meta.labels() == 0;
                frame.push_label(self.templates, Lse::new(entropy, 0, bottom, 0));
                frame.push_label(self.templates, push.lse(mpls::ENTROPY_LABEL_INDICATOR, class, inner, false));
            }
            let bottom = frame.header.meta.labels() == 0;
            frame.push_label(self.templates, push.lse(label, class, inner, bottom));
        }
    }
}

/// The code points that Microsoft peering has classes for: EF, AF41, CS3, AF21, AF11, CS0 (EXPRESSROUTE: QoS requirements).
pub const MICROSOFT_DSCP: [u8; 6] = [46, 34, 24, 18, 10, 0];

/// The octets behind the Ethernet header and the tags, FCS not counted: the packet, labels included.
#[inline(always)]
fn packet_octets(meta: Meta) -> u16 {
    meta.len().saturating_sub(HEADER_OCTETS as u16 + FCS_OCTETS + 4 * u16::from(meta.tags()))
}

/// Why a frame is not IP, on a path that takes nothing else.
#[cold]
fn not_ip(frame: &Frame, templates: &Templates, mpls: bool) -> DropReason {
    match frame.header.meta.kind() {
        Kind::Ipv4Header => DropReason::Ipv4Header,
        Kind::Ipv4Checksum => DropReason::Ipv4Checksum,
        Kind::Ipv6Header => DropReason::Ipv6Header,
        _ => match frame.octets(templates).ethertype {
            ethernet::ARP => DropReason::Arp,
            ethernet::MPLS | ethernet::MPLS_UPSTREAM if mpls => DropReason::LabelStackMalformed,
            ethernet::MPLS | ethernet::MPLS_UPSTREAM => DropReason::MplsNotEnabled,
            length if length < ethernet::FIRST_ETHERTYPE => DropReason::Llc,
            _ => DropReason::NotIp,
        },
    }
}
