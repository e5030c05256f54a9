//! A slow second opinion on forwarding: plain octets in, plain octets out, to be read beside the standards.
//! It shares no code with the library, not even the parsing of a header, so that an error cannot be in both.
//!
//! The rules are those of RFC 3031, 3032, 3443, 4182, 4385, 4448, 5462, 6790, 7274, 791, 8200 and IEEE 802.1Q.
//! Where they leave freedom, the choices are these:
//!
//!  1. Tags are read at two places at the most: the first must be of the port's outer TPIDs, the second of its inner
//!     TPIDs. A tag that is cut off is no tag. VID 4095 in one of them is dropped. A tag that is not read is payload:
//!     it has no priority and no VLAN.
//!  2. Priority tags (VID 0) in front are skipped. What remains gives k = 0, 1 or 2 tags to match: two tags match a
//!     pair, then the outer alone; none matches "untagged"; then the catch-all. A VID 0 behind another tag is not skipped.
//!  3. A routed service takes off the skipped and the matched tags. What then lies on top must be IP or MPLS.
//!     A layer-2 service that pops none carries all tags; one that pops takes off the skipped ones too.
//!  4. Martian destinations are routes of every VRF; a configured prefix of at least the same length wins.
//!  5. IP: local before discard before TTL before MTU. Octets behind the total length travel on, unless they alone
//!     make the frame too big: then they are cut off.
//!  6. The MTU counts labels and not tags (layer 2: the two outermost tags on the way out; deeper ones are payload).
//!     What is too big and routed or labelled is punted with E - N, what is layer 2 is dropped. A packet that is
//!     exposed by a pop to a next hop counts with what is behind it.
//!  7. The class is the TC of the top label on arrival, else the PCP of a priority tag, else the IP precedence after
//!     the DSCP reset; for a layer-2 service the PCP of the outermost tag.
//!  8. Labels pushed: "uniform" copies the TTL of the entry beneath (IP or label; 255 above a pseudowire's frame),
//!     "pipe" a fixed one; the TC is fixed or the class. The entropy pair lies right beneath the topmost pushed label;
//!     its EL has TTL and TC 0. A swap pushes none.
//!  9. Swap: all labels of the next hop get TTL in - 1 and the TC of the incoming one; the last takes its S bit.
//! 10. Label TTL in <= 1 is punted before a swap, a pop, or a pseudowire; after a lookup beneath it only when the
//!     packet is not for this router (local delivery does not check), and before the IP TTL is looked at.
//! 11. Uniform pops write TTL and TC upwards; the DSCP becomes CS(TC) only if its precedence differs.
//!     Pipe and short-pipe leave what is beneath alone.
//! 12. Router alert (1): the label beneath decides, and 1 is pushed back, TTL - 1, if the packet goes on with labels.
//!     One alert is taken from a frame; a second one is dropped as reserved.
//! 13. One frame has sixteen labels looked up at the most in one node (an entropy pair is not looked up, unless it is on
//!     top: then its tunnel ended a hop before, and it is popped as an explicit null above it would be).
//! 14. The Ethernet pseudowire's control word is zero when sent; of a received one only the first nibble counts
//!     (RFC 4448 section 4.6: the other twelve bits are reserved, the sequence number 0 is unchecked).
//! 15. Ethertype 8848 is treated as 8847 and stays while the stack does.
//! 16. An IP packet beneath a bottom label must have a sound header and checksum, also where it is not looked up.
//! 17. A copied PCP is that of the class on routed and labelled frames (DEI 0); of the outermost tag on arrival
//!     (with its DEI) on a cross-connect; of the outermost tag of the inner frame where a pseudowire ends.
#![allow(dead_code, unreachable_pub)] // each test binary uses its own part of the model, and exports nothing

pub mod frames;
pub mod ip;
pub mod l2;
pub mod mpls;
pub mod octets;
pub mod routers;

use std::collections::BTreeMap;

/// A router as plain data.
#[derive(Clone, Debug, Default)]
pub struct ModelRouter {
    pub ports: Vec<Port>,
    /// VRF 0 is the one that explicit null delivers to.
    pub vrfs: Vec<Vec<Route>>,
    pub labels: BTreeMap<u32, LabelEntry>,
    pub next_hops: Vec<NextHop>,
    /// How explicit null treats what is beneath.
    pub null_ttl: TtlModel,
}

/// What an ingress port recognises and accepts.
#[derive(Clone, Debug)]
pub struct Port {
    pub outer_tpids: Vec<u16>,
    pub inner_tpids: Vec<u16>,
    pub accept: Accept,
    pub subs: Vec<Sub>,
}

/// Acceptable frame types (IEEE 802.1Q section 6.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    All,
    OnlyTagged,
    OnlyUntagged,
}

/// A sub-interface.
#[derive(Clone, Debug)]
pub struct Sub {
    pub key: Key,
    pub service: Service,
}

/// Which frames belong to a sub-interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Untagged,
    Outer(u16),
    Pair(u16, u16),
    /// The whole rest of the port.
    Any,
}

/// What is done with the frames of a sub-interface.
#[derive(Clone, Debug)]
pub enum Service {
    Route {
        vrf: usize,
        mpls: bool,
        dscp_reset: Option<u8>,
    },
    CrossConnect {
        pop: usize,
        push: Vec<Tag>,
        port: usize,
        filter_reserved: bool,
        mtu: usize,
    },
    /// The labels are those of the next hop.
    Pseudowire {
        pop: usize,
        control_word: bool,
        hop: usize,
    },
}

/// A tag to push; lists of them are outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    pub tpid: u16,
    pub vid: u16,
    /// A fixed PCP (with DEI 0), or a copy (choice 17).
    pub pcp: Option<u8>,
}

/// A route of one family: the prefix's octets (4 or 16) and its length.
#[derive(Clone, Debug)]
pub struct Route {
    pub prefix: Vec<u8>,
    pub length: u32,
    pub target: Target,
}

/// Where a route leads.
#[derive(Clone, Debug)]
pub enum Target {
    Local,
    Discard(&'static str),
    Via(Vec<usize>),
}

/// Where and how a packet leaves.
#[derive(Clone, Debug)]
pub struct NextHop {
    pub port: usize,
    pub dst: [u8; 6],
    pub src: [u8; 6],
    pub tags: EgressTags,
    /// Labels to push, top first; none is no MPLS. In a swap they are what the label is swapped to.
    pub labels: Vec<u32>,
    pub push_ttl: PushTtl,
    /// A fixed TC, or a copy of the class.
    pub push_tc: Option<u8>,
    pub entropy: bool,
    /// What the outer Ethernet may carry behind its tags, in octets.
    pub mtu: usize,
}

/// The tags of a leaving frame.
#[derive(Clone, Debug)]
pub enum EgressTags {
    Push(Vec<Tag>),
    /// Those that the service took off come back.
    Keep,
}

/// The TTL of a pushed label (RFC 3443 section 3).
#[derive(Clone, Copy, Debug)]
pub enum PushTtl {
    Uniform,
    Pipe(u8),
}

/// How a popped label's TTL and TC act on what it exposes (RFC 3443, RFC 3270 section 2.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TtlModel {
    #[default]
    Uniform,
    Pipe,
    ShortPipe,
}

/// An entry of the incoming label map.
#[derive(Clone, Debug)]
pub struct LabelEntry {
    pub op: LabelOp,
    pub ttl: TtlModel,
}

/// What is done with a labelled packet.
#[derive(Clone, Debug)]
pub enum LabelOp {
    Swap { via: Vec<usize> },
    Pop { payload: Payload, via: Vec<usize> },
    PopLookup { vrf: usize },
    PopPseudowire { control_word: bool, port: usize, push: Vec<Tag>, mtu: usize },
}

/// What may lie beneath the bottom label that is popped to a next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    V4,
    V6,
    /// Further labels only.
    Labels,
}

/// What becomes of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Transmit { port: usize, class: u8, octets: Vec<u8> },
    Punt(Punt),
    Drop(&'static str),
}

/// Why a frame goes to the slow path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Punt {
    Local,
    TtlExpired,
    MplsTtlExpired,
    /// The MTU to report: what fits, less the labels on the way out.
    MtuExceeded(usize),
}

/// The end of a frame that is not transmitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    Punt(Punt),
    Drop(&'static str),
}

/// One frame at work: the router, and what the arrival settled.
pub struct Job<'a> {
    pub router: &'a ModelRouter,
    pub choose: &'a dyn Fn(usize) -> usize,
    pub hash: u32,
    pub dst: [u8; 6],
    pub src: [u8; 6],
    /// Tags that the service took off, outermost first.
    pub removed: Vec<[u8; 4]>,
    /// The class of queueing, once something has settled it.
    pub class: Option<u8>,
    /// A router alert that goes back on top of the leaving stack.
    pub alert: Option<octets::Lse>,
    /// Some label that was popped here had no TTL left: the packet may be for this router, but goes no further.
    pub expired: bool,
}

/// A frame that leaves.
pub struct Sent {
    pub port: usize,
    pub octets: Vec<u8>,
}

/// What the router does with a frame (without FCS) that arrives at `ingress`. `choose(n)` picks among n next hops.
pub fn forward(
    router: &ModelRouter,
    ingress: usize,
    octets: &[u8],
    hash: u32,
    choose: &dyn Fn(usize) -> usize,
) -> Outcome {
    if octets.len() < 14 {
        return Outcome::Drop("runt");
    }
    let mut job = Job {
        router,
        choose,
        hash,
        dst: octets[..6].try_into().unwrap(), // at least 14 octets
        src: octets[6..12].try_into().unwrap(),
        removed: Vec::new(),
        class: None,
        alert: None,
        expired: false,
    };
    match l2::arrive(&mut job, &router.ports[ingress], octets) {
        Ok(Sent { port, octets }) => Outcome::Transmit { port, class: job.class.unwrap_or(0), octets },
        Err(Stop::Punt(reason)) => Outcome::Punt(reason),
        Err(Stop::Drop(reason)) => Outcome::Drop(reason),
    }
}
