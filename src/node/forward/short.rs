//! The short way through the datapath: what nearly all frames need, by tables made ready for it.
//!
//! It looks everything up first and writes last, so that it can leave any frame untouched to the long way, which has all
//! the rules. Whatever it does forward it forwards as the long way would, field for field.

use crate::frame::{Frame, Header, Kind, Meta, Templates};
use crate::id::{PortId, VrfId};
use crate::table::{Fib, Ingress, Operation, Rewrite};
use crate::wire::mpls::{FIRST_ORDINARY, Lse};

/// Forwards `frame`, which came from the wire by the port of `ingress`; `None` leaves it as it was, to the long way.
#[inline(always)]
pub fn forward(fib: &Fib, ingress: &Ingress, templates: &Templates, frame: &mut Frame) -> Option<PortId> {
    let meta = frame.header.meta;
    let plain = ingress.plain(&frame.header)?;
    if meta.labels() == 0 {
        let meta = if plain.resets_dscp() { meta.with_traffic_class(meta.traffic_class() & 3) } else { meta };
        let packet = Packet { meta, class: meta.traffic_class() >> 5, lse: frame.header.lse };
        return by_address(fib, templates, plain.vrf(), packet, frame);
    }
    if !plain.has_mpls() {
        return None;
    }
    let top = Lse(frame.header.lse[0]);
    match fib.ready().label(top.label()).operation() {
        Operation::Swap { label, group } => swap(fib, (label, group), top, &mut frame.header),
        Operation::Unready => None,
        _ => pop(fib, templates, frame),
    }
}

/// Looks up the top labels of `frames`, which are about to be forwarded, one right after the other: what of a large label
/// map is not in the cache comes in at the same time, where forwarding would wait for each. Small maps are in the cache.
#[inline(always)]
pub fn look_ahead<'f>(fib: &Fib, frames: impl Iterator<Item = &'f Frame>) {
    if fib.ready().is_large() {
        let words = frames.map(|frame| fib.ready().label(Lse(frame.header.lse[0]).label()));
        std::hint::black_box(words.fold(0, |all, word| all ^ word.word()));
    }
}

/// A packet as it is beneath what was taken off, and what is known of it.
#[derive(Clone, Copy)]
struct Packet {
    /// The frame's word; its length, tags and labels are still those of the frame that came.
    meta: Meta,
    class: u8,
    /// The places for labels after the pops.
    lse: [u32; 3],
}

#[inline(always)]
fn swap(fib: &Fib, (label, group): (u32, usize), top: Lse, header: &mut Header) -> Option<PortId> {
    let meta = header.meta;
    let rewrite = fib.ready().swap_by(group, header.hash)?;
    let changed = meta.changed(rewrite.change(), top.tc(), 4 * u16::from(meta.tags()));
    if top.ttl() <= 1 || !rewrite.takes(changed.len()) {
        return None;
    }
    header.lse[0] = label | ((top.0 & 0xfff) - 1);
    header.tag = rewrite.tags(top.tc());
    header.meta = changed;
    Some(rewrite.port())
}

/// Pops up to three labels, at the end of their paths.
#[inline(always)]
fn pop(fib: &Fib, templates: &Templates, frame: &mut Frame) -> Option<PortId> {
    let header = &frame.header;
    let (labels, ip) = (header.meta.labels(), header.meta.is(Kind::Ipv4) || header.meta.is(Kind::Ipv6));
    let class = Lse(header.lse[0]).tc();
    let mut packet = Packet { meta: header.meta, class, lse: header.lse };
    for popped in 1..=labels {
        let top = Lse(packet.lse[0]);
        let word = fib.ready().label(top.label());
        if top.ttl() <= 1 || top.label() < FIRST_ORDINARY {
            return None;
        }
        packet.lse = [packet.lse[1], packet.lse[2], 0];
        let operation = word.operation();
        if !top.is_bottom() {
            // Entropy labels and other special-purpose ones go the long way; so do labels in the body.
            let next = Lse(packet.lse[0]);
            if popped == labels || next.label() < FIRST_ORDINARY || !matches!(operation, Operation::PopLookup(_)) {
                return None;
            }
            if word.is_uniform() {
                packet.lse[0] = next.with_ttl(top.ttl()).with_tc(top.tc()).0;
            }
            continue;
        }
        if popped != labels || !ip {
            return None;
        }
        packet.meta = packet.meta.with_upstream_labels(false).with_labels(0);
        return match operation {
            Operation::PopLookup(vrf) => {
                packet.meta = taken_over(packet.meta, word.is_uniform(), top.ttl(), top.tc());
                by_address(fib, templates, vrf, packet, frame)
            }
            Operation::Pop { set, kind } if packet.meta.is(kind) => {
                let rewrite = fib.ready().route_by(set, frame.header.hash)?;
                packet.meta = taken_over(packet.meta, word.is_uniform(), top.ttl() - 1, top.tc());
                leave(rewrite, packet, &mut frame.header)
            }
            _ => None,
        };
    }
    None
}

/// The uniform model: TTL and class of a popped label go over to the packet; its DSCP only if its precedence says another
/// class.
#[inline(always)]
fn taken_over(meta: Meta, uniform: bool, ttl: u8, tc: u8) -> Meta {
    if !uniform {
        return meta;
    }
    let octet = meta.traffic_class();
    let octet = if octet >> 5 == tc { octet } else { tc << 5 | octet & 3 };
    meta.with_ttl(ttl).with_traffic_class(octet)
}

/// On by destination.
#[inline(always)]
fn by_address(fib: &Fib, templates: &Templates, vrf: VrfId, mut packet: Packet, frame: &mut Frame) -> Option<PortId> {
    let set = if packet.meta.is(Kind::Ipv4) {
        let destination = match &frame.body {
            Some(owned) => owned.destination() as u32,
            None => templates.destination_v4(frame.id.stream),
        };
        fib.set_v4(vrf, destination)?
    } else if packet.meta.is(Kind::Ipv6) {
        let destination = match &frame.body {
            Some(owned) => owned.destination(),
            None => templates.destination(frame.id.stream),
        };
        fib.set_v6(vrf, destination)?
    } else {
        return None;
    };
    let rewrite = fib.ready().route_by(set, frame.header.hash)?;
    packet.meta = packet.meta.sent_on()?;
    leave(rewrite, packet, &mut frame.header)
}

/// Writes all that changed.
#[inline(always)]
fn leave(rewrite: &Rewrite, packet: Packet, header: &mut Header) -> Option<PortId> {
    let (meta, class) = (packet.meta, packet.class);
    // Tags and labels that came are gone.
    let gone = 4 * u16::from(header.meta.tags() + header.meta.labels());
    let changed = meta.changed(rewrite.change(), class, gone);
    if !rewrite.takes(changed.len()) {
        return None;
    }
    let [a, b, c] = rewrite.lses(class, meta.ttl());
    let [first, second, _] = packet.lse;
    header.lse = match rewrite.labels() {
        0 => packet.lse,
        1 => [a, first, second],
        2 => [a, b, first],
        _ => [a, b, c],
    };
    header.tag = rewrite.tags(class);
    header.meta = changed;
    Some(rewrite.port())
}

/// That the short way does what the long one does is shown in `tests/forward_model.rs`; here, that it is taken.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::MacId;
    use crate::table::{FibBuilder, IngressBuilder, LabelAction, LabelEntry, LabelPush, NextHop, Payload, PcpRule};
    use crate::table::{Service, SubInterface, TagRule, TtlModel, VlanKey};
    use crate::wire::mpls::Label;
    use crate::wire::vlan::Tag;

    const TAG: [Tag; 2] = [Tag::new(0x8100, 0, false, 110), Tag::new(0x8100, 0, false, 20)];

    /// Port 0 untagged, port 1 QinQ; 10/8 by tags, 11/8 by two labels, labels 100 to 103 of each kind.
    fn fib() -> Fib {
        let mut builder = FibBuilder::new(1);
        let route = SubInterface { service: Service::Route(VrfId(0)), mpls: true, reset_dscp: false };
        builder.ingress(&IngressBuilder::default().sub(VlanKey::Untagged, route));
        builder.ingress(&IngressBuilder::default().sub(VlanKey::Double(110, 20), route));
        let plain = NextHop { mac: MacId(3), ..NextHop::port(PortId(1)) };
        let push = |labels: &[u32]| LabelPush::new(labels).unwrap();
        let tags = builder.next_hops(&[NextHop { tags: TagRule::push(&TAG, PcpRule::Copy), ..plain }]);
        let labels = builder.next_hops(&[NextHop { push: push(&[200, 201]), ..plain }]);
        let swap = builder.next_hops(&[NextHop { push: push(&[300]), ..plain }; 2]);
        builder.route(VrfId(0), "10.0.0.0/8".parse().unwrap(), tags);
        builder.route(VrfId(0), "11.0.0.0/8".parse().unwrap(), labels);
        let pop = LabelAction::Pop { payload: Payload::Ipv4, next_hops: tags };
        let here = LabelAction::PopLookup(VrfId(0));
        for (label, action) in [(100, LabelAction::Swap(swap)), (101, here), (102, pop)] {
            builder.label(Label::new(label).unwrap(), LabelEntry { action, model: TtlModel::Uniform });
        }
        builder.build()
    }

    #[test]
    fn it_is_taken_by_what_is_ordinary() {
        let packet = |to: u8| {
            let mut packet = vec![0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, to, 1, 1, 1];
            crate::wire::ipv4::fill_checksum(&mut packet);
            packet
        };
        let octets = |tags: &[Tag], labels: &[u32], ethertype: [u8; 2], to: u8| {
            let mut octets = vec![2; 12];
            tags.iter().for_each(|tag| octets.extend(tag.0.to_be_bytes()));
            octets.extend(ethertype);
            for (place, &label) in labels.iter().enumerate() {
                octets.extend(Lse::new(label, 0, place + 1 == labels.len(), 9).0.to_be_bytes());
            }
            octets.extend(packet(to));
            octets
        };
        let (ip, mpls) = ([8, 0], [0x88, 0x47]);
        let cases = [
            (0, octets(&[], &[], ip, 10), "tags pushed"),
            (0, octets(&[], &[], ip, 11), "labels pushed"),
            (1, octets(&TAG, &[], ip, 10), "tags to tags"),
            (0, octets(&[], &[100], mpls, 9), "swap"),
            (1, octets(&TAG, &[100, 7], mpls, 9), "swap above anything"),
            (0, octets(&[], &[101], mpls, 10), "pop and look up"),
            (0, octets(&[], &[101, 101, 102], mpls, 9), "pop, pop, pop to a next hop"),
        ];
        let (fib, none) = (fib(), Templates::new());
        for (port, octets, name) in cases {
            let mut frame = Frame::parse(&octets, octets.len() as u32, None).unwrap().frame;
            let ingress = fib.ingress(port).unwrap();
            assert_eq!(forward(&fib, ingress, &none, &mut frame), Some(PortId(1)), "{name}");
        }
    }
}
