//! The label map as an operator would list it.

use super::fib::{Fib, LabelAction};
use super::next_hop::NextHop;
use crate::id::VrfId;

/// What is done with a label, and where what has it goes now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelView {
    /// The label.
    pub label: u32,
    /// What is done with it.
    pub operation: LabelShown,
    /// Where to, with the labels that take its place; none of what is looked up here.
    pub next_hops: Vec<NextHop>,
    /// Whether any of them is the backup of a protected one.
    pub is_on_backup: bool,
}

/// What is done with a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelShown {
    /// It is replaced by those of the next hop.
    Swap,
    /// It is popped, and what lies beneath goes to the next hop.
    Pop,
    /// It is popped, and what lies beneath is looked up: IP in this VRF.
    Lookup(VrfId),
    /// It is popped, and the Ethernet frame beneath goes to the attachment circuit.
    Pseudowire,
}

impl Fib {
    /// The label map as it is now, in order of labels.
    pub fn label_map(&self) -> impl Iterator<Item = LabelView> {
        self.labels().map(|(label, entry)| {
            let (operation, places) = match entry.action {
                LabelAction::Swap(set) => (LabelShown::Swap, set.places()),
                LabelAction::Pop { next_hops, .. } => (LabelShown::Pop, next_hops.places()),
                LabelAction::PopLookup(vrf) => (LabelShown::Lookup(vrf), 0..0),
                LabelAction::PopPseudowire { next_hop, .. } => (LabelShown::Pseudowire, next_hop..next_hop + 1),
            };
            let next_hops = self.next_hops[places.start as usize..places.end as usize].to_vec();
            LabelView { label, operation, next_hops, is_on_backup: self.is_on_backup(places) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PortId;
    use crate::table::{FibBuilder, LabelEntry, LabelPush, Payload, TtlModel};
    use crate::wire::mpls::Label;

    #[test]
    fn the_map_shows_where_a_label_goes_now() {
        let by =
            |port, labels: &[u32]| NextHop { push: LabelPush::new(labels).unwrap(), ..NextHop::port(PortId(port)) };
        let (primary, backup) = (by(1, &[30]), by(2, &[900, 30]));
        let mut builder = FibBuilder::new(1);
        let protected = builder.protected(primary, backup);
        let (swap, pop) = (builder.next_hops(&[protected]), builder.next_hops(&[by(3, &[])]));
        let entries = [
            (20, LabelAction::Swap(swap)),
            (21, LabelAction::Pop { payload: Payload::Ipv4, next_hops: pop }),
            (22, LabelAction::PopLookup(VrfId(0))),
            (23, LabelAction::PopPseudowire { control_word: true, next_hop: pop.places().start }),
        ];
        for (label, action) in entries {
            builder.label(Label::new(label).unwrap(), LabelEntry { action, model: TtlModel::Uniform });
        }
        let mut fib = builder.build();
        let view = |label, operation, next_hops: &[NextHop], is_on_backup| LabelView {
            label,
            operation,
            next_hops: next_hops.to_vec(),
            is_on_backup,
        };
        let rest = [
            view(21, LabelShown::Pop, &[by(3, &[])], false),
            view(22, LabelShown::Lookup(VrfId(0)), &[], false),
            view(23, LabelShown::Pseudowire, &[by(3, &[])], false),
        ];
        for (to_backup, now) in [(false, primary), (true, backup), (false, primary)] {
            fib.switch(protected, to_backup);
            let map: Vec<LabelView> = fib.label_map().collect();
            assert_eq!((&map[0], &map[1..]), (&view(20, LabelShown::Swap, &[now], to_backup), &rest[..]));
        }
    }
}
