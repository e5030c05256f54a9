//! What forwarding looks up: sub-interfaces, prefixes, labels and next hops, gathered in a [`Fib`]; it changes nothing.

mod circuit;
mod dynamic;
mod fib;
mod lpm;
mod member;
mod next_hop;
mod plain;
mod program;
mod ready;
mod rewrite;
mod show;

pub use circuit::{AcceptableFrames, Ingress, IngressBuilder, Located, Matched, Service, SubInterface, VlanKey};
pub use fib::{Fib, FibBuilder, LabelAction, LabelEntry, NextHopSet, Payload, RouteEntry, Vrf, spread};
pub use lpm::Lpm;
pub use member::{Member, Protected};
pub use next_hop::{LabelPush, MAX_PUSH, NextHop, PcpRule, TagRule, Target, TcRule, Translation, TtlModel};
pub use plain::Plain;
pub use program::{LabelOperation, LabelRoute, ProgramError};
pub use ready::{IlmWord, Operation, Ready};
pub use rewrite::Rewrite;
pub use show::{LabelShown, LabelView};
