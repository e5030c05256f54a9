//! What a trace shows of a frame's headers: addresses, all tags and labels, TTL, DSCP, length.

use crate::frame::{Frame, Kind, Templates};
use crate::wire::ethernet::{self, HEADER_OCTETS, Mac};
use crate::wire::mpls::Lse;
use crate::wire::vlan::{self, Tag};
use crate::wire::{be16, be32};
use serde::Serialize;
use std::fmt;

/// The headers of a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Headers {
    /// Destination address.
    pub destination: String,
    /// Source address.
    pub source: String,
    /// 802.1Q tags, outermost first, however many.
    pub tags: Vec<TagShown>,
    /// Label stack entries, top first, however many.
    pub labels: Vec<LabelShown>,
    /// TTL or hop limit, if the frame is IP beneath its tags and labels.
    pub ttl: Option<u8>,
    /// DSCP, likewise.
    pub dscp: Option<u8>,
    /// Octets on the wire, FCS included.
    pub octets: u16,
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TagShown {
    /// Tag protocol identifier, as `0x8100`.
    pub tpid: String,
    /// Priority code point.
    pub pcp: u8,
    /// Drop eligible indicator.
    pub dei: bool,
    /// VLAN identifier.
    pub vid: u16,
    #[serde(skip)]
    tag: Tag,
}

/// A label stack entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LabelShown {
    /// Label.
    pub label: u32,
    /// Traffic class.
    pub tc: u8,
    /// Whether it is the bottom of the stack.
    pub bottom: bool,
    /// Time to live.
    pub ttl: u8,
    #[serde(skip)]
    lse: Lse,
}

impl Headers {
    /// The headers of `frame` as they would be on the wire.
    pub fn of(frame: &Frame, templates: &Templates) -> Self {
        let mut headers = Headers { octets: frame.len(), ..Headers::default() };
        let meta = frame.header.meta;
        if matches!(meta.kind(), Kind::Ipv4 | Kind::Ipv6) {
            headers.ttl = Some(meta.ttl());
            headers.dscp = Some(meta.traffic_class() >> 2);
        }
        let mut octets = Vec::with_capacity(meta.len().into());
        frame.emit(templates, &mut octets);
        if meta.kind() != Kind::Runt
            && let Some(addresses) = octets.first_chunk::<12>()
        {
            let [a, b, c, d, e, f, g, h, i, j, k, l] = *addresses;
            headers.destination = Mac([a, b, c, d, e, f]).to_string();
            headers.source = Mac([g, h, i, j, k, l]).to_string();
            headers.read_tags_and_labels(&octets);
        }
        headers
    }

    fn read_tags_and_labels(&mut self, octets: &[u8]) {
        let mut at = HEADER_OCTETS - 2;
        while let Some(word) = be32(octets, at).filter(|word| vlan::tpid_index((word >> 16) as u16).is_some()) {
            self.tags.push(TagShown::from(Tag(word)));
            at += 4;
        }
        if !matches!(be16(octets, at), Some(ethernet::MPLS | ethernet::MPLS_UPSTREAM)) {
            return;
        }
        at += 2;
        while let Some(word) = be32(octets, at) {
            self.labels.push(LabelShown::from(Lse(word)));
            at += 4;
            if Lse(word).is_bottom() {
                break;
            }
        }
    }

    /// The tags in short: `8100:110 8100:20`, or `none`.
    pub(super) fn tags_text(&self) -> String {
        joined(self.tags.iter().map(|shown| shown.tag))
    }

    /// The labels in short: `100/tc0/S/ttl64`, or `none`.
    pub(super) fn labels_text(&self) -> String {
        joined(self.labels.iter().map(|shown| shown.lse))
    }
}

impl From<Tag> for TagShown {
    fn from(tag: Tag) -> Self {
        TagShown { tpid: format!("{:#06x}", tag.tpid()), pcp: tag.pcp(), dei: tag.dei(), vid: tag.vid(), tag }
    }
}

impl From<Lse> for LabelShown {
    fn from(lse: Lse) -> Self {
        LabelShown { label: lse.label(), tc: lse.tc(), bottom: lse.is_bottom(), ttl: lse.ttl(), lse }
    }
}

impl fmt::Display for LabelShown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lse.fmt(f)
    }
}

fn joined(items: impl Iterator<Item = impl fmt::Display>) -> String {
    let texts: Vec<String> = items.map(|item| item.to_string()).collect();
    if texts.is_empty() { "none".into() } else { texts.join(" ") }
}
