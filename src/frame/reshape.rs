//! The rare changes that move octets between the typed fields and the body: deeper tags and labels than fit inline,
//! and whole Ethernet frames beneath labels (pseudowires). Each writes the octets out and reads them again.

use super::body::{Octets, Templates};
use super::meta::Kind;
use super::parse::parse_into;
use super::{Frame, MAX_INLINE_LABELS, MAX_INLINE_TAGS, Meta};
use crate::wire::ethernet::{FCS_OCTETS, HEADER_OCTETS};
use crate::wire::mpls::{LSE_OCTETS, Lse};
use crate::wire::vlan::{TAG_OCTETS, Tag};

impl Frame {
    /// Removes the outermost `count` inline tags (all of them if there are fewer) and shortens the frame.
    #[inline(always)]
    pub fn pop_tags(&mut self, templates: &Templates, count: u8) {
        let meta = self.header.meta;
        let count = count.min(meta.tags());
        if count == 1 {
            self.header.tag[0] = self.header.tag[1];
        }
        let left = meta.tags() - count;
        self.header.meta = meta.with_tags(left).with_len(meta.len() - u16::from(count) * TAG_OCTETS);
        if left < MAX_INLINE_TAGS as u8 && meta.kind() == Kind::Tag {
            self.read_again(templates);
        }
    }

    /// Pushes `tag` outside all others and lengthens the frame.
    #[inline(always)]
    pub fn push_tag(&mut self, templates: &Templates, tag: Tag) {
        let meta = self.header.meta;
        if usize::from(meta.tags()) == MAX_INLINE_TAGS {
            return self.rewrite(templates, |octets| {
                octets.splice(12..12, tag.0.to_be_bytes());
            });
        }
        self.header.tag = [tag.0, self.header.tag[0]];
        self.header.meta = meta.with_tags(meta.tags() + 1).with_len(meta.len() + TAG_OCTETS);
    }

    /// Removes the outermost `popped` inline tags and pushes the first `count` of `pushed`, outermost first.
    #[inline(always)]
    pub fn replace_tags(&mut self, templates: &Templates, popped: u8, pushed: [Tag; MAX_INLINE_TAGS], count: u8) {
        let meta = self.header.meta;
        if meta.tags() == popped && meta.kind() != Kind::Tag {
            // Nothing stays: the new tags take the places.
            let len = meta.len() + TAG_OCTETS * u16::from(count) - TAG_OCTETS * u16::from(popped);
            self.header.tag = pushed.map(|tag| tag.0);
            self.header.meta = meta.with_tags(count).with_len(len);
            return;
        }
        self.pop_tags(templates, popped);
        for &tag in pushed[..usize::from(count)].iter().rev() {
            self.push_tag(templates, tag);
        }
    }

    /// Removes the top label stack entry and shortens the frame; `false` if there is none.
    ///
    /// After the last inline entry was popped and it was not the bottom, the next ones are read from the body.
    #[inline(always)]
    pub fn pop_label(&mut self, templates: &Templates) -> bool {
        let meta = self.header.meta;
        if meta.labels() == 0 {
            return false;
        }
        let [_, second, third] = self.header.lse;
        self.header.lse = [second, third, 0];
        self.header.meta = meta.with_labels(meta.labels() - 1).with_len(meta.len() - LSE_OCTETS);
        if meta.labels() == 1 && meta.kind() == Kind::Label {
            self.read_deeper_labels(templates);
        }
        true
    }

    /// Pushes `lse` on top and lengthens the frame.
    #[inline(always)]
    pub fn push_label(&mut self, templates: &Templates, lse: Lse) {
        let meta = self.header.meta;
        if usize::from(meta.labels()) == MAX_INLINE_LABELS {
            let at = HEADER_OCTETS + usize::from(meta.tags() * 4);
            return self.rewrite(templates, |octets| {
                octets.splice(at..at, lse.0.to_be_bytes());
            });
        }
        let [first, second, _] = self.header.lse;
        self.header.lse = [lse.0, first, second];
        self.header.meta = meta.with_labels(meta.labels() + 1).with_len(meta.len() + LSE_OCTETS);
    }

    /// Makes the whole frame (at its full length, without FCS) the payload of a new one without tags and labels,
    /// behind `control_word` if there is one.
    #[cold]
    pub fn wrap(&mut self, templates: &Templates, control_word: Option<u32>) {
        let mut payload = control_word.map_or_else(Vec::new, |word| word.to_be_bytes().to_vec());
        self.emit(templates, &mut payload);
        let len = (HEADER_OCTETS + payload.len()) as u16 + FCS_OCTETS;
        self.body = Some(Box::new(Octets::new(payload, [0; 12], 0, Kind::Opaque)));
        let class = self.header.meta.class();
        self.header.meta = Meta::default().with_len(len).with_kind(Kind::Opaque).with_class(class);
    }

    /// Makes `octets`, a whole Ethernet frame without FCS, what this frame carries from now on.
    #[cold]
    pub fn unwrap_to(&mut self, octets: &[u8]) {
        let class = self.header.meta.class();
        let mut body = self.body.take().unwrap_or_default();
        parse_into(&mut self.header, &mut body, octets, octets.len());
        self.header.meta = self.header.meta.with_class(class);
        self.body = Some(body);
    }

    /// Writes the octets out, lets `change` edit them, reads them again; hash, class and MAC id stay.
    #[cold]
    fn rewrite(&mut self, templates: &Templates, change: impl FnOnce(&mut Vec<u8>)) {
        let before = self.header.meta;
        let mut octets = Vec::with_capacity(usize::from(before.len()) + 8);
        self.emit(templates, &mut octets);
        change(&mut octets);
        let mut body = self.body.take().unwrap_or_default();
        let mut header = self.header;
        parse_into(&mut header, &mut body, &octets, octets.len());
        header.meta = header.meta.with_class(before.class()).with_mac(before.mac()).with_bad_fcs(before.bad_fcs());
        (self.header, self.body) = (header, Some(body));
    }

    #[cold]
    fn read_again(&mut self, templates: &Templates) {
        self.rewrite(templates, |_| {});
    }

    /// Reads label stack entries from the body, whose first octets they are.
    #[cold]
    fn read_deeper_labels(&mut self, templates: &Templates) {
        let meta = self.header.meta;
        // The entries lie right behind the length/type field: what is emitted with the MPLS ethertype reads as a stack.
        let at = 12 + usize::from(meta.tags() * 4);
        let ethertype = if meta.upstream_labels() { [0x88, 0x48] } else { [0x88, 0x47] };
        self.rewrite(templates, |octets| octets[at..at + 2].copy_from_slice(&ethertype));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(octets: &[u8]) -> Frame {
        Frame::parse(octets, octets.len() as u32, None).unwrap().frame
    }

    fn emit(frame: &Frame) -> Vec<u8> {
        let mut out = Vec::new();
        frame.emit(&Templates::new(), &mut out);
        out
    }

    /// Frames that are likely to have tags and labels: addresses, then words drawn from telling values.
    fn frames() -> impl Strategy<Value = Vec<u8>> {
        let word = prop_oneof![
            Just(vec![0x81, 0x00]),
            Just(vec![0x88, 0xa8]),
            Just(vec![0x88, 0x47]),
            Just(vec![0x88, 0x48]),
            Just(vec![0x08, 0x00]),
            Just(vec![0x86, 0xdd]),
            Just(vec![0x00, 0x01, 0x01, 0x40]),
            Just(vec![0x00, 0x06, 0x40, 0x40]),
            Just(vec![0x45, 0, 0, 20]),
            Just(vec![0x60, 0, 0, 0]),
            proptest::collection::vec(any::<u8>(), 0..4),
        ];
        let words = proptest::collection::vec(word, 0..16).prop_map(|words| words.concat());
        (proptest::collection::vec(any::<u8>(), 0..13), words).prop_map(|(head, words)| [head, words].concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn emit_of_parse_is_the_identity(octets in frames()) {
            prop_assert_eq!(emit(&parse(&octets)), octets);
        }

        #[test]
        fn emit_of_parse_is_the_identity_for_any_octets(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(emit(&parse(&octets)), octets);
        }

        #[test]
        fn cut_frames_are_padded_to_their_length(octets in frames(), more in 0u32..100) {
            let wire = octets.len() as u32 + more;
            let frame = Frame::parse(&octets, wire, None).unwrap().frame;
            let mut padded = octets;
            padded.resize(wire as usize, 0);
            prop_assert_eq!(emit(&frame), padded);
        }

        #[test]
        fn tags_push_and_pop_outermost(octets in frames(), tags in proptest::collection::vec(any::<u16>(), 1..5)) {
            prop_assume!(octets.len() >= 14);
            let none = Templates::new();
            let mut frame = parse(&octets);
            let mut expected = octets.clone();
            for &tci in &tags {
                let tag = Tag(0x8100 << 16 | u32::from(tci));
                frame.push_tag(&none, tag);
                expected.splice(12..12, tag.0.to_be_bytes());
                prop_assert_eq!(emit(&frame), expected.clone());
            }
            for _ in &tags {
                frame.pop_tags(&none, 1);
                expected.drain(12..16);
                prop_assert_eq!(emit(&frame), expected.clone());
            }
            prop_assert_eq!(emit(&frame), octets);
        }

        #[test]
        fn labels_push_and_pop_at_any_depth(labels in proptest::collection::vec(16u32..1 << 20, 1..8), n in 20usize..60) {
            let none = Templates::new();
            let mut octets = vec![2; 12];
            octets.extend([0x88, 0x47]);
            octets.extend(Lse::new(99, 1, true, 9).0.to_be_bytes());
            octets.resize(octets.len() + n, 0xee);
            let mut frame = parse(&octets);
            for &label in &labels {
                frame.push_label(&none, Lse::new(label, 5, false, 64));
                octets.splice(14..14, Lse::new(label, 5, false, 64).0.to_be_bytes());
                prop_assert_eq!(emit(&frame), octets.clone());
            }
            for &label in labels.iter().rev() {
                prop_assert_eq!(frame.labels().next().map(Lse::label), Some(label));
                prop_assert!(frame.pop_label(&none));
                octets.drain(14..18);
                prop_assert_eq!(emit(&frame), octets.clone());
            }
        }

        #[test]
        fn a_wrapped_frame_comes_out_whole(octets in frames(), word in proptest::option::of(any::<u32>())) {
            let mut frame = parse(&octets);
            frame.wrap(&Templates::new(), word);
            let payload = frame.body.as_ref().unwrap().payload().to_vec();
            let skip = if word.is_some() { 4 } else { 0 };
            prop_assert_eq!(&payload[skip..], &octets[..]);
            frame.unwrap_to(&payload[skip..]);
            prop_assert_eq!(emit(&frame), octets);
        }
    }
}
