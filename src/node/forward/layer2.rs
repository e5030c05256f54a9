//! Layer-2 services: cross-connects, and Ethernet pseudowires in and out (RFC 4385, RFC 4448).

use super::{Decision, Entry, Out, Pass, Step, Witness, packet_octets};
use crate::frame::{DropReason, Frame};
use crate::table::{Matched, PcpRule, TagRule, Target};
use crate::wire::ethernet::{self, FCS_OCTETS, HEADER_OCTETS};
use crate::wire::mpls::{LSE_OCTETS, Lse};
use crate::wire::vlan::Tag;

/// Octets of a control word.
const CONTROL_WORD: u16 = 4;

/// What a layer-2 service does with the tags of a frame that came.
#[derive(Clone, Copy)]
pub(super) struct Arrived {
    /// Inline tags to remove.
    pub(super) pop: u8,
    /// The outermost tag, if it is one to the port that it came by.
    outer: Option<Tag>,
}

impl<W: Witness> Pass<'_, W> {
    /// The tags of a frame for a service that pops `pop` of those it matched, and the class by the outermost one. What
    /// pops any pops the priority tags above them too.
    #[inline(never)]
    pub(super) fn arrived_at_layer2(&self, entry: Entry, matched: Matched, frame: &mut Frame, pop: u8) -> Arrived {
        let outer = match entry {
            Entry::Port(port) => self.fib.ingress(port.index()).and_then(|ingress| ingress.outer_tag(frame)),
            Entry::Local(_) | Entry::Own(_) => None,
        };
        frame.header.meta = frame.header.meta.with_class(outer.map_or(0, Tag::pcp));
        let priority = frame.tags().take(matched.tags.into()).take_while(|tag| tag.vid() == 0).count() as u8;
        Arrived { pop: if pop == 0 { 0 } else { matched.tags.min(pop.saturating_add(priority)) }, outer }
    }

    /// Out by another port, octet for octet but for tags.
    #[inline(never)]
    pub(super) fn cross_connect(
        &mut self,
        frame: &mut Frame,
        place: u32,
        arrived: Arrived,
        filter_reserved: bool,
    ) -> Decision {
        if filter_reserved && ethernet::is_reserved_bridge_address(&frame.octets(self.templates).macs) {
            return Err(DropReason::ReservedMac.into());
        }
        self.witness.saw(Step::NextHop { set: None, place });
        self.out_at_layer2(frame, place, arrived)
    }

    /// Removes tags, pushes those of the next hop and leaves; too long is dropped, for bridges do not fragment.
    fn out_at_layer2(&mut self, frame: &mut Frame, place: u32, arrived: Arrived) -> Decision {
        let next_hop = self.fib.next_hop(place);
        let port = match next_hop.target {
            Target::Port(port) => port,
            Target::Local | Target::Translate(_) => return Err(DropReason::NoListener.into()),
            Target::Discard(reason) => return Err(reason.into()),
        };
        let (arrived_pcp, arrived_dei) = arrived.outer.map_or((0, false), |tag| (tag.pcp(), tag.dei()));
        if let TagRule::Push { tags, count, pcp } = next_hop.tags {
            frame.pop_tags(self.templates, arrived.pop);
            for &tag in tags[..usize::from(count)].iter().rev() {
                let tag = if pcp == PcpRule::Copy { tag.with_priority(arrived_pcp, arrived_dei) } else { tag };
                frame.push_tag(self.templates, tag);
            }
        }
        if packet_octets(frame.header.meta) > next_hop.mtu {
            return Err(DropReason::MtuExceeded.into());
        }
        self.witness.saw(Step::Written(port));
        Ok(Out::by(port))
    }

    /// The frame, less its service-delimiting tags and its FCS, becomes the payload beneath the next hop's labels
    /// (RFC 4448 §4.4); sequence numbers are 0, which means none (RFC 4385 §4.1).
    #[inline(never)]
    pub(super) fn enter_pseudowire(&mut self, frame: &mut Frame, place: u32, pop: u8, control_word: bool) -> Decision {
        let next_hop = *self.fib.next_hop(place);
        self.witness.saw(Step::NextHop { set: None, place });
        if let Target::Discard(reason) = next_hop.target {
            return Err(reason.into());
        }
        frame.pop_tags(self.templates, pop);
        let inner = frame.len() - FCS_OCTETS;
        let word = if control_word { CONTROL_WORD } else { 0 };
        if inner + word + next_hop.push.octets() > next_hop.mtu {
            return Err(DropReason::MtuExceeded.into());
        }
        // RFC 4448 §4.6: the twelve bits behind the first nibble are reserved and sent as 0; there is no length in them.
        frame.wrap(self.templates, control_word.then_some(0));
        self.write(frame, &next_hop, 0, 255)
    }

    /// What lies beneath the bottom label `top` leaves as a frame of its own.
    #[inline(never)]
    pub(super) fn leave_pseudowire(&mut self, frame: &mut Frame, top: Lse, word: bool, place: u32) -> Decision {
        if !top.is_bottom() {
            return Err(DropReason::PayloadMismatch.into());
        }
        let meta = frame.header.meta;
        let octets = packet_octets(meta).saturating_sub(LSE_OCTETS);
        let mut inner = frame.octets(self.templates).payload().to_vec();
        inner.resize(octets.into(), 0);
        let skip = if word { take_control_word(&inner)? } else { 0 };
        let inner =
            inner.get(skip..).filter(|inner| inner.len() >= HEADER_OCTETS).ok_or(DropReason::PayloadMismatch)?;
        frame.unwrap_to(inner);
        self.witness.saw(Step::NextHop { set: None, place });
        let outer = frame.tags().next();
        self.out_at_layer2(frame, place, Arrived { pop: 0, outer })
    }
}

/// How many octets the control word takes that `inner` begins with. Only its first nibble says something: the rest of
/// its first half is ignored upon receipt (RFC 4448 §4.6), and sequence numbers are not checked.
fn take_control_word(inner: &[u8]) -> Result<usize, DropReason> {
    match inner.first_chunk::<4>().ok_or(DropReason::PayloadMismatch)?[0] >> 4 {
        0 => Ok(CONTROL_WORD.into()),
        1 => Err(DropReason::PseudowireAch),
        _ => Err(DropReason::ControlWord),
    }
}
