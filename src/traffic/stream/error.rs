//! Why there can be no stream like the one asked for, and what to do about it.

use super::{MAX_ROUND, MAX_STREAM_FLOWS};
use crate::frame::{MAX_INLINE_TAGS, MAX_SIZES};
use crate::time::PortSpeed;
use crate::wire::ethernet::MAX_FRAME_OCTETS;
use crate::wire::vlan::{TPIDS, Tag};
use std::net::IpAddr;

/// What makes a stream impossible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// IPv4 on one side, IPv6 on the other.
    #[error("{from} and {to} are addresses of different families: give two of IPv4 or two of IPv6")]
    Families {
        /// One address.
        from: IpAddr,
        /// The other.
        to: IpAddr,
    },
    /// A range that ends before it begins.
    #[error("the range {first} to {last} ends before it begins: swap the two addresses")]
    Backwards {
        /// Its first address.
        first: IpAddr,
        /// Its last address.
        last: IpAddr,
    },
    /// No flow.
    #[error("a stream of no flow has no frame: give at least one flow")]
    NoFlows,
    /// More flows than are possible.
    #[error(
        "{flows} flows are more than the {most} that these addresses and ports can have and a stream may have ({MAX_STREAM_FLOWS}): give fewer flows, or wider ranges of addresses"
    )]
    TooManyFlows {
        /// Flows asked for.
        flows: u32,
        /// Flows at the most.
        most: u32,
    },
    /// No size.
    #[error("the list of sizes is empty: give at least one frame size")]
    NoSizes,
    /// More sizes than a frame can tell apart.
    #[error("{sizes} frame sizes are more than the {MAX_SIZES} that a stream may have: make two streams of them")]
    TooManySizes {
        /// Sizes asked for.
        sizes: usize,
    },
    /// A size that never comes.
    #[error("the frame size {octets} has the weight 0: leave it out, or give it a weight")]
    NoWeight {
        /// The size.
        octets: u16,
    },
    /// Weights without a common measure of use.
    #[error("in lowest terms the weights of the frame sizes add up to {sum}, over {MAX_ROUND}: round them")]
    WeightsTooFine {
        /// What they add up to.
        sum: u64,
    },
    /// A frame too short for what is in it.
    #[error(
        "a frame of {octets} octets is too short: with its headers, {tags} tags and its FCS it has {least} octets or more"
    )]
    SizeTooSmall {
        /// The size.
        octets: u16,
        /// The smallest possible one.
        least: u16,
        /// Tags.
        tags: usize,
    },
    /// A frame longer than the emulator takes.
    #[error("a frame of {octets} octets is too long: the longest has {MAX_FRAME_OCTETS} octets")]
    SizeTooLarge {
        /// The size.
        octets: u16,
    },
    /// No frame at all.
    #[error("the rate is 0: give a rate above 0, or leave the stream out")]
    NoRate,
    /// Frames at the same picosecond.
    #[error("at this rate frames of {octets} octets are less than 1 ps apart: give a lower rate")]
    TooFast {
        /// The frame size.
        octets: u16,
    },
    /// One frame in a run.
    #[error(
        "at this rate frames of {octets} octets are more than 213 days apart, the longest that a run can be: give a higher rate"
    )]
    TooSlow {
        /// The frame size.
        octets: u16,
    },
    /// Over line rate.
    #[error("a port of {}G sends its line rate and no more: give a share of 100% at the most", speed.gbps())]
    OverLine {
        /// The speed of the port.
        speed: PortSpeed,
    },
    /// A stream without end.
    #[error("the stream has no end: say when it ends, or how many frames it has")]
    NoEnd,
    /// A stream that ends before it begins.
    #[error("the stream ends before its first frame: let it end later than it begins")]
    EndBeforeBegin,
    /// A stream longer than a run can be.
    #[error(
        "{frames} frames at this rate take longer than 213 days, the longest that a run can be: give a higher rate, or fewer frames"
    )]
    TooLong {
        /// Frames asked for.
        frames: u64,
    },
    /// More tags than a frame is offered with.
    #[error("{tags} tags are more than the {MAX_INLINE_TAGS} that frames are made with: leave some out")]
    TooManyTags {
        /// Tags asked for.
        tags: usize,
    },
    /// A tag that no port would take for one.
    #[error("the tag {tag} has an unknown TPID: use one of {}", TPIDS.map(|tpid| format!("{tpid:04x}")).join(", "))]
    UnknownTpid {
        /// The tag.
        tag: Tag,
    },
}
