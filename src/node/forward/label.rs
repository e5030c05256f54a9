//! The label path: swap, pop, special-purpose labels, TTL and TC models (RFC 3031, 3032, 3443, 4182, 6790, 7274).

use super::{Aside, Decision, Pass, PuntReason, Routed, Step, Witness, packet_octets};
use crate::frame::{DropReason, Frame, Kind};
use crate::id::VrfId;
use crate::table::{LabelAction, LabelEntry, NextHop, NextHopSet, Payload, Target, TtlModel};
use crate::wire::be32;
use crate::wire::mpls::{self, LSE_OCTETS, Lse};

/// Labels of one frame that one router processes at the most.
const MAX_PROCESSED: usize = 16;

impl<W: Witness> Pass<'_, W> {
    /// Forwards by the top label, and by those beneath as far as they are popped here.
    #[inline(always)]
    pub(super) fn label_path(&mut self, mut routed: Routed, frame: &mut Frame) -> Decision {
        let top = Lse(frame.header.lse[0]);
        if let Some(&entry) = self.fib.label(top.label())
            && let LabelAction::Swap(set) = entry.action
        {
            self.witness.saw(Step::Label { lse: top, entry: Some(entry) });
            return self.swap(routed, frame, top, set);
        }
        self.label_loop(&mut routed, frame)
    }

    /// All but the common case: whatever pops.
    #[inline(never)]
    fn label_loop(&mut self, routed: &mut Routed, frame: &mut Frame) -> Decision {
        for _ in 0..MAX_PROCESSED {
            if frame.header.meta.labels() == 0 {
                return Err(DropReason::LabelStackMalformed.into());
            }
            let top = Lse(frame.header.lse[0]);
            if top.label() == mpls::ROUTER_ALERT && !top.is_bottom() && routed.alert.is_none() {
                // RFC 3032 §2.1: forwarded by the label beneath, and pushed back when it goes on.
                self.witness.saw(Step::Label { lse: top, entry: None });
                routed.expired |= top.ttl() <= 1;
                routed.alert = Some(top);
                frame.pop_label(self.templates);
                continue;
            }
            let entry = self.entry_of(frame, top)?;
            if let Some(decision) = self.act(routed, frame, top, &entry) {
                return decision;
            }
        }
        Err(DropReason::LabelStackDepth.into())
    }

    /// What the label map says of `top`; explicit nulls have an entry of their own (RFC 4182).
    fn entry_of(&mut self, frame: &Frame, top: Lse) -> Result<LabelEntry, DropReason> {
        let entry = self.fib.label(top.label()).copied();
        self.witness.saw(Step::Label { lse: top, entry });
        match top.label() {
            mpls::IPV4_EXPLICIT_NULL | mpls::IPV6_EXPLICIT_NULL => {
                Ok(LabelEntry { action: LabelAction::PopLookup(VrfId(0)), model: self.fib.null_model() })
            }
            mpls::IMPLICIT_NULL => Err(DropReason::ImplicitNull),
            // The label that covered the pair was popped at the penultimate hop: as if it were an explicit null.
            _ if self.has_indicator(frame) => {
                Ok(LabelEntry { action: LabelAction::PopLookup(VrfId(0)), model: self.fib.null_model() })
            }
            ..mpls::FIRST_ORDINARY => Err(DropReason::ReservedLabel),
            _ => entry.ok_or(DropReason::UnknownLabel),
        }
    }

    /// Does what `entry` says of `top`; `None` if the next label is to be looked at.
    fn act(&mut self, routed: &mut Routed, frame: &mut Frame, top: Lse, entry: &LabelEntry) -> Option<Decision> {
        let decision = match entry.action {
            LabelAction::Swap(set) => self.swap(*routed, frame, top, set),
            LabelAction::Pop { payload, next_hops } => {
                self.pop_to(*routed, frame, top, entry.model, payload, next_hops)
            }
            LabelAction::PopPseudowire { control_word, next_hop } => {
                if routed.expired || top.ttl() <= 1 {
                    return Some(expired(routed.vrf));
                }
                return Some(self.leave_pseudowire(frame, top, control_word, next_hop));
            }
            LabelAction::PopLookup(vrf) => match self.pop_here(routed, frame, top, entry.model, vrf) {
                Ok(true) => self.ip_path(*routed, frame),
                Ok(false) => return None,
                Err(reason) => Err(reason.into()),
            },
        };
        if let (Some(alert), Ok(_)) = (routed.alert, decision)
            && frame.header.meta.labels() > 0
        {
            frame.push_label(self.templates, alert.with_ttl(alert.ttl() - 1));
        }
        Some(decision)
    }

    /// The last of the next hop's labels takes the place of `top`, the others go above it.
    #[inline(always)]
    fn swap(&mut self, routed: Routed, frame: &mut Frame, top: Lse, set: NextHopSet) -> Decision {
        if routed.expired || top.ttl() <= 1 {
            return expired(routed.vrf);
        }
        let next_hop = self.choose(set, frame);
        let labels = next_hop.push.labels();
        let Some((&last, above)) = labels.split_last() else { return Err(DropReason::UnknownLabel.into()) };
        let more = above.len() as u16 * LSE_OCTETS + routed.alert_octets();
        if packet_octets(frame.header.meta) + more > next_hop.mtu {
            return self.too_long(routed, frame, next_hop, i32::from(more));
        }
        let ttl = top.ttl() - 1;
        frame.header.lse[0] = Lse::new(last, top.tc(), top.is_bottom(), ttl).0;
        for &label in above.iter().rev() {
            frame.push_label(self.templates, Lse::new(label, top.tc(), false, ttl));
        }
        self.leave(frame, next_hop, routed.tags)
    }

    /// Pops `top` and sends what lies beneath to a next hop without looking at it (RFC 3031 §3.16).
    fn pop_to(
        &mut self,
        routed: Routed,
        frame: &mut Frame,
        top: Lse,
        model: TtlModel,
        payload: Payload,
        set: NextHopSet,
    ) -> Decision {
        if routed.expired || top.ttl() <= 1 {
            return expired(routed.vrf);
        }
        // First what the label promises, then the length: no complaint is sent about what is not the promised packet.
        if top.is_bottom() {
            match (payload, frame.header.meta.kind()) {
                (Payload::Ipv4, Kind::Ipv4) | (Payload::Ipv6, Kind::Ipv6) => {}
                _ => return Err(DropReason::PayloadMismatch.into()),
            }
        }
        let next_hop = self.choose(set, frame);
        let pushed = next_hop.push.octets();
        let alert = if pushed > 0 || !top.is_bottom() { routed.alert_octets() } else { 0 };
        let more = i32::from(pushed + alert) - i32::from(LSE_OCTETS);
        if i32::from(packet_octets(frame.header.meta)) + more > i32::from(next_hop.mtu) {
            return self.too_long(routed, frame, next_hop, more);
        }
        frame.pop_label(self.templates);
        let ttl = top.ttl() - 1;
        let inner = if top.is_bottom() {
            end_stack(frame);
            if model.is_uniform() {
                take_over(frame, ttl, top.tc());
            }
            frame.header.meta.ttl()
        } else {
            let next = self.next_label(frame)?;
            if model.is_uniform() {
                frame.header.lse[0] = next.with_ttl(ttl).with_tc(top.tc()).0;
            }
            Lse(frame.header.lse[0]).ttl()
        };
        self.write(frame, next_hop, routed.tags, inner)
    }

    /// Pops `top`, and an entropy label pair beneath it, at the end of its path; or the pair that is on top, where the path
    /// ended a hop before. Whether what lies beneath is IP
    /// (`false`: a further label).
    fn pop_here(
        &mut self,
        routed: &mut Routed,
        frame: &mut Frame,
        top: Lse,
        model: TtlModel,
        vrf: VrfId,
    ) -> Result<bool, DropReason> {
        routed.expired |= top.ttl() <= 1;
        let is_pair = self.has_indicator(frame);
        if !is_pair {
            frame.pop_label(self.templates);
        }
        let bottom = (top.is_bottom() && !is_pair) || self.pop_entropy(frame)?;
        if !bottom {
            let next = self.next_label(frame)?;
            if model.is_uniform() {
                frame.header.lse[0] = next.with_ttl(top.ttl()).with_tc(top.tc()).0;
            }
            return Ok(false);
        }
        match (top.label(), frame.header.meta.kind()) {
            (mpls::IPV4_EXPLICIT_NULL, Kind::Ipv4) | (mpls::IPV6_EXPLICIT_NULL, Kind::Ipv6) => {}
            (mpls::FIRST_ORDINARY.., Kind::Ipv4 | Kind::Ipv6) => {}
            (_, Kind::Ipv4 | Kind::Ipv6) if is_pair => {}
            _ => return Err(DropReason::PayloadMismatch),
        }
        end_stack(frame);
        if model.is_uniform() {
            // The IP path takes one off, once for the whole router.
            take_over(frame, top.ttl(), top.tc());
        }
        routed.vrf = vrf;
        Ok(true)
    }

    /// Pops ELI and EL, if they come next (RFC 6790 §4.1); whether the bottom went with them.
    fn pop_entropy(&mut self, frame: &mut Frame) -> Result<bool, DropReason> {
        let mut indicator = self.next_label(frame)?;
        if self.extends_indicator(frame) {
            frame.pop_label(self.templates);
            indicator = self.next_label(frame)?;
        }
        if indicator.label() != mpls::ENTROPY_LABEL_INDICATOR {
            return Ok(false);
        }
        if indicator.is_bottom() {
            return Err(DropReason::EntropyLabel);
        }
        frame.pop_label(self.templates);
        let entropy = self.next_label(frame)?;
        if entropy.label() < mpls::FIRST_ORDINARY {
            return Err(DropReason::EntropyLabel);
        }
        frame.pop_label(self.templates);
        Ok(entropy.is_bottom())
    }

    /// Whether an entropy label indicator is on top, plain or behind the extension label.
    fn has_indicator(&self, frame: &Frame) -> bool {
        let top = frame.labels().next().map(Lse::label);
        top == Some(mpls::ENTROPY_LABEL_INDICATOR) || self.extends_indicator(frame)
    }

    /// Whether the extension label is on top with an entropy label indicator beneath it, inline or in the body: 7 means
    /// the same behind it (RFC 7274 §3.1).
    fn extends_indicator(&self, frame: &Frame) -> bool {
        let mut labels = frame.labels();
        if !labels.next().is_some_and(|top| top.label() == mpls::EXTENSION && !top.is_bottom()) {
            return false;
        }
        let in_body = || be32(frame.octets(self.templates).payload(), 0).map(Lse);
        labels.next().or_else(in_body).is_some_and(|beneath| beneath.label() == mpls::ENTROPY_LABEL_INDICATOR)
    }

    fn next_label(&self, frame: &Frame) -> Result<Lse, DropReason> {
        frame.labels().next().ok_or(DropReason::LabelStackMalformed)
    }

    /// The packet beneath the labels may have the MTU less the labels that it leaves with (RFC 3032 §3.4).
    #[cold]
    fn too_long(&self, routed: Routed, frame: &Frame, next_hop: &NextHop, more: i32) -> Decision {
        if let Target::Discard(reason) = next_hop.target {
            return Err(reason.into());
        }
        let stack = stack_octets(frame, self.templates) + more;
        let mtu = (i32::from(next_hop.mtu) - stack).max(0) as u16;
        Err(Aside::punt(PuntReason::MtuExceeded { mtu }, routed.vrf))
    }
}

fn expired(vrf: VrfId) -> Decision {
    Err(Aside::punt(PuntReason::MplsTtlExpired, vrf))
}

/// The stack is gone with its ethertype: labels pushed from here on are this router's own, so by 8847 (RFC 5332).
fn end_stack(frame: &mut Frame) {
    frame.header.meta = frame.header.meta.with_upstream_labels(false);
}

/// Uniform model: the packet takes over TTL and class. Its DSCP stays where its precedence already says the class, and
/// becomes the class selector (RFC 2474 §4.2.2) where not.
fn take_over(frame: &mut Frame, ttl: u8, tc: u8) {
    let meta = frame.header.meta.with_ttl(ttl);
    let octet = meta.traffic_class();
    let octet = if octet >> 5 == tc { octet } else { tc << 5 | octet & 3 };
    frame.header.meta = meta.with_traffic_class(octet);
}

/// Octets of the whole label stack, those in the body included.
fn stack_octets(frame: &Frame, templates: &crate::frame::Templates) -> i32 {
    let inline = i32::from(frame.header.meta.labels()) * 4;
    if frame.header.meta.kind() != Kind::Label {
        return inline;
    }
    let mut deeper = frame.octets(templates).payload().chunks_exact(4);
    let whole = deeper.len();
    let beneath = deeper.position(|lse| lse[2] & 1 == 1).map_or(whole, |at| at + 1);
    inline + 4 * beneath as i32
}
