//! The IP path: longest match, TTL, MTU (RFC 1812 §5.2, RFC 8200 §3).

use super::{Aside, Decision, Pass, PuntReason, Routed, Step, Witness, packet_octets};
use crate::frame::{DropReason, Frame, Kind};
use crate::id::VrfId;
use crate::table::Target;
use crate::wire::ethernet::{FCS_OCTETS, HEADER_OCTETS};
use crate::wire::{ipv4, ipv6};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

impl<W: Witness> Pass<'_, W> {
    /// Forwards by destination a frame whose labels are gone and whose kind is IP.
    #[inline(always)]
    pub(super) fn ip_path(&mut self, routed: Routed, frame: &mut Frame) -> Decision {
        self.by_destination(routed, frame, 1)
    }

    /// Sends an untagged packet of the router's own by its destination.
    #[cold]
    pub(super) fn own_path(&mut self, vrf: VrfId, frame: &mut Frame) -> Decision {
        let meta = frame.header.meta;
        if !matches!(meta.kind(), Kind::Ipv4 | Kind::Ipv6) {
            return Err(DropReason::NotIp.into());
        }
        frame.header.meta = meta.with_class(meta.traffic_class() >> 5);
        self.by_destination(Routed { vrf, tags: 0, expired: false, alert: None }, frame, 0)
    }

    /// The same; `hops` are taken off the TTL.
    #[inline(always)]
    fn by_destination(&mut self, routed: Routed, frame: &mut Frame, hops: u8) -> Decision {
        let destination = frame.octets(self.templates).destination();
        let set = if frame.header.meta.kind() == Kind::Ipv4 {
            let destination = destination as u32;
            let found = self.fib.lookup_v4(routed.vrf, destination);
            let destination = IpAddr::V4(Ipv4Addr::from_bits(destination));
            self.witness.saw(Step::Route { vrf: routed.vrf, destination, found });
            found
        } else {
            let found = self.fib.lookup_v6(routed.vrf, destination);
            let destination = IpAddr::V6(Ipv6Addr::from_bits(destination));
            self.witness.saw(Step::Route { vrf: routed.vrf, destination, found });
            found
        };
        let set = set.ok_or(DropReason::NoRoute)?;
        let next_hop = self.choose(set, frame);
        match next_hop.target {
            Target::Port(_) | Target::Translate(_) => {}
            Target::Local => return Err(Aside::punt(PuntReason::Local, routed.vrf)),
            Target::Discard(reason) => return Err(reason.into()),
        }
        if routed.expired {
            return Err(Aside::punt(PuntReason::MplsTtlExpired, routed.vrf));
        }
        let meta = frame.header.meta;
        let Some(ttl) = meta.ttl().checked_sub(hops).filter(|&ttl| ttl > 0) else {
            return Err(Aside::punt(PuntReason::TtlExpired, routed.vrf));
        };
        let pushed = next_hop.push.octets();
        let stack = if pushed > 0 { pushed + routed.alert_octets() } else { 0 };
        let room = next_hop.mtu.saturating_sub(stack);
        if packet_octets(meta) > room && !self.fits_without_trailer(frame, room) {
            return Err(Aside::punt(PuntReason::MtuExceeded { mtu: room }, routed.vrf));
        }
        if let Target::Translate(translation) = next_hop.target {
            return Err(Aside::punt(PuntReason::Translate(translation), routed.vrf));
        }
        frame.header.meta = frame.header.meta.with_ttl(ttl);
        self.write(frame, next_hop, routed.tags, ttl)
    }

    /// Octets behind the packet (padding, trailers) go along, unless the frame is too long only because of them: then
    /// they are cut off. Whether it fits now.
    #[cold]
    fn fits_without_trailer(&self, frame: &mut Frame, room: u16) -> bool {
        let octets = frame.octets(self.templates).payload();
        let total = match frame.header.meta.kind() {
            Kind::Ipv4 => ipv4::total_length(octets).map(u32::from),
            _ => ipv6::total_length(octets),
        };
        let Some(total) = total.filter(|&total| total <= u32::from(room)) else { return false };
        let meta = frame.header.meta;
        let len = HEADER_OCTETS as u16 + 4 * u16::from(meta.tags()) + total as u16 + FCS_OCTETS;
        frame.header.meta = meta.with_len(len);
        true
    }
}
