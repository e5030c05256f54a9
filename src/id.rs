//! Index types: which node, which port, which stream; a number of one kind is never taken for another.

use std::fmt;

macro_rules! index {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The place in a table that this names.
            #[inline(always)]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

index!(
    /// A node of the network: its place in `Network::nodes`.
    NodeId(u16)
);
index!(
    /// A port of one node: its place in that node's list of ports. The input of a node that a port
    /// receives by has the same index.
    PortId(u16)
);
index!(
    /// A link, one direction: its place in `Network::links`.
    LinkId(u16)
);
index!(
    /// A virtual routing and forwarding table of one router.
    VrfId(u16)
);
index!(
    /// An interned pair of MAC addresses (destination, source); 0 means "as in the owned octets".
    MacId(u16)
);

/// What a frame belongs to: the source that offered it (6 bits) and its flow within that source (26 bits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct StreamId(u32);

impl StreamId {
    /// Sources of one run at the most.
    pub const MAX_SOURCES: usize = 1 << 6;
    /// Flows of one source that are told apart at the most.
    pub const MAX_FLOWS: u32 = 1 << 26;

    /// Flow `flow` of source `source`.
    pub const fn new(source: u8, flow: u32) -> Self {
        assert!((source as usize) < Self::MAX_SOURCES && flow < Self::MAX_FLOWS);
        StreamId((source as u32) << 26 | flow)
    }

    /// The source.
    #[inline(always)]
    pub const fn source(self) -> usize {
        (self.0 >> 26) as usize
    }

    /// All of it as one number.
    #[inline(always)]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The first flow of the same source.
    #[inline(always)]
    pub const fn first(self) -> StreamId {
        StreamId(self.0 & !(Self::MAX_FLOWS - 1))
    }

    /// How far after `other` it is numbered, modulo 2^32: at least [`MAX_FLOWS`](Self::MAX_FLOWS) for another source's
    /// flow, where `other` is the first flow of its source.
    #[inline(always)]
    pub const fn distance(self, other: StreamId) -> u32 {
        self.0.wrapping_sub(other.0)
    }

    /// The flow within the source.
    #[inline(always)]
    pub const fn flow(self) -> u32 {
        self.0 & (Self::MAX_FLOWS - 1)
    }
}
