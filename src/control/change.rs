//! What a control plane changes of its router's forwarding.

use super::routing::Towards;
use crate::id::{PortId, VrfId};
use crate::table::{Fib, LabelOperation, LabelRoute, Member, NextHop, Payload, Protected, TtlModel};
use crate::wire::mpls::Label;
use ipnet::IpNet;

/// What forwarding has to do otherwise from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The port takes frames to send, or does not; what waits in a port that goes down is lost.
    Port {
        /// Which one.
        port: PortId,
        /// Whether it takes them.
        up: bool,
    },
    /// A dynamic route of the FIB has these next hops, or none.
    Route {
        /// The VRF.
        vrf: VrfId,
        /// Its destinations.
        prefix: IpNet,
        /// Of equal cost; one may be there several times, as its weight.
        next_hops: Vec<Towards>,
    },
    /// A protected next hop is on its backup, or on its primary.
    Switch {
        /// Which one.
        protected: Protected,
        /// Whether it is on its backup.
        to_backup: bool,
    },
    /// A protected next hop has another backup.
    Backup {
        /// Which one.
        protected: Protected,
        /// Its backup.
        next_hop: NextHop,
    },
    /// A dynamic label of the FIB leads here: it is swapped for the labels of the next hop; where that has none it is popped,
    /// and there are further labels or IPv4 beneath.
    Label {
        /// The label.
        label: Label,
        /// Where to.
        next_hop: NextHop,
        /// How TTL and TC go over to what lies beneath.
        model: TtlModel,
    },
}

impl Change {
    /// Makes it in the tables of the router. What happens to a port is no matter of theirs.
    ///
    /// # Panics
    /// The tables do not declare what is changed: they are of another router.
    pub fn program(&self, fib: &mut Fib) {
        let done = match self {
            Change::Port { .. } => Ok(()),
            Change::Route { vrf, prefix, next_hops } => {
                let members: Vec<Member> = next_hops.iter().map(|towards| towards.member()).collect();
                fib.program(*vrf, *prefix, &members)
            }
            Change::Switch { protected, to_backup } => {
                fib.switch(*protected, *to_backup);
                Ok(())
            }
            Change::Backup { protected, next_hop } => {
                fib.set_backup(*protected, *next_hop);
                Ok(())
            }
            Change::Label { label, next_hop, model } => {
                let next_hops = &[(*next_hop).into()];
                let operation = match next_hop.push.labels() {
                    [] => LabelOperation::Pop { payload: Payload::Ipv4, next_hops },
                    _ => LabelOperation::Swap(next_hops),
                };
                fib.program_label(*label, Some(LabelRoute { operation, model: *model }))
            }
        };
        done.expect("a control plane changes what its FIB declares");
    }
}
