//! What routers tell each other of their links: a frame for each end of a link whose state changed, and what is made of it.
//!
//! ```text
//!  0       1       2       4       6             10                          18
//! | version| state | router| link  | sequence    | since, picoseconds        |     all of them big-endian
//! ```
//! It stands for the link-state PDUs of an IGP (ISO 10589 §7.3): flooded by every router that it is news to, told apart by its
//! sequence number, handed over again to a neighbour that comes back. It is under the ethertype that IEEE Std 802 leaves for
//! local experiments, to the address of all intermediate systems (RFC 5309 §4). What this does not have: frames are not
//! acknowledged, so that one that is lost is not sent again before the link that lost it comes back; and nothing ages.

use crate::time::{Instant, Span};
use crate::wire::ethernet::Mac;
use crate::wire::{be16, be32};

/// The first of the ethertypes for local experiments (IEEE Std 802 §9.2.3).
pub const ETHERTYPE: u16 = 0x88b5;
/// All intermediate systems.
pub const ALL_IS: Mac = Mac([0x09, 0x00, 0x2b, 0x00, 0x00, 0x05]);

const VERSION: u8 = 1;
const OCTETS: usize = 18;

/// What a router says of its end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// Who says it, by its number.
    pub router: u16,
    /// Of which link, by its number.
    pub link: u16,
    /// Grows with each change.
    pub sequence: u32,
    /// Whether frames pass.
    pub works: bool,
    /// Since when: what the router saw itself.
    pub since: Instant,
}

impl LinkState {
    /// Reads one; what is behind it is padding. `None` if it is cut short, or of another version, or of no known state.
    pub fn read(octets: &[u8]) -> Option<Self> {
        let works = match *octets.first_chunk::<OCTETS>()? {
            [VERSION, 1, ..] => true,
            [VERSION, 0, ..] => false,
            _ => return None,
        };
        let since = u64::from(be32(octets, 10)?) << 32 | u64::from(be32(octets, 14)?);
        Some(LinkState {
            router: be16(octets, 2)?,
            link: be16(octets, 4)?,
            sequence: be32(octets, 6)?,
            works,
            since: Instant::from_ps(since),
        })
    }

    /// Its octets.
    pub fn emit(&self) -> [u8; OCTETS] {
        let mut octets = [0; OCTETS];
        (octets[0], octets[1]) = (VERSION, u8::from(self.works));
        octets[2..4].copy_from_slice(&self.router.to_be_bytes());
        octets[4..6].copy_from_slice(&self.link.to_be_bytes());
        octets[6..10].copy_from_slice(&self.sequence.to_be_bytes());
        octets[10..].copy_from_slice(&self.since.as_ps().to_be_bytes());
        octets
    }
}

/// When news takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From the detection of a failure until paths lead around it.
    pub convergence: Span,
    /// From when a link is back until paths lead over it.
    pub reversion_hold: Span,
}

/// One end of a link as it is known: what was said last, and what paths are made by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LinkEnd {
    /// The last that was said, once something was.
    pub(super) said: Option<LinkState>,
    /// Whether paths avoid it.
    pub(super) avoidance: Avoidance,
    avoided_from: Option<Instant>,
    back_from: Option<Instant>,
    used_from: Option<Instant>,
}

/// Whether paths avoid an end of a link, or a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Avoidance {
    /// It works, as far as anybody knows.
    #[default]
    None,
    /// It works again, and is taken where nothing else leads until it has been left alone for long enough.
    Held,
    /// It does not work.
    Lost,
}

impl LinkEnd {
    /// Whether `news` is later than what is known.
    pub(super) fn is_news(&self, news: &LinkState) -> bool {
        self.said.is_none_or(|said| news.sequence > said.sequence)
    }

    /// Takes news. What fails while it is held down is waited for anew; what is back may fail to take effect before it is used
    /// again.
    pub(super) fn hear(&mut self, news: LinkState, timing: Timing) {
        self.said = Some(news);
        let converged = news.since.saturating_add(timing.convergence);
        if news.works {
            self.back_from = Some(converged);
            self.used_from = Some(news.since.saturating_add(timing.reversion_hold));
        } else {
            (self.back_from, self.used_from) = (None, None);
            if self.avoidance != Avoidance::Lost && self.avoided_from.is_none() {
                self.avoided_from = Some(converged);
            }
        }
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.used_from.take_if(|at| *at <= now).is_some() {
            (self.avoidance, self.avoided_from, self.back_from) = (Avoidance::None, None, None);
            return;
        }
        if self.avoided_from.take_if(|at| *at <= now).is_some() {
            self.avoidance = Avoidance::Lost;
        }
        if self.back_from.take_if(|at| *at <= now).is_some() {
            self.avoidance = self.avoidance.min(Avoidance::Held);
        }
    }

    /// Whether it works, and nothing more is to come of what was said.
    pub(super) fn is_settled(&self) -> bool {
        let works = self.said.is_none_or(|said| said.works);
        works && self.avoidance == Avoidance::None && self.poll_timeout().is_none()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        [self.used_from, self.avoided_from, self.back_from].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TIMING: Timing = Timing { convergence: Span::from_ps(5), reversion_hold: Span::from_ps(20) };

    /// When paths begin to avoid an end, when it is there again for want of others and when they use it again, of what is said
    /// of it: when, and whether it works.
    fn changes(timing: Timing, said: &[(u64, bool)]) -> Vec<(u64, Avoidance)> {
        let (mut end, mut seen) = (LinkEnd::default(), Vec::new());
        let settle = |end: &mut LinkEnd, before: Instant, seen: &mut Vec<(u64, Avoidance)>| {
            while let Some(at) = end.poll_timeout().filter(|at| *at < before) {
                let was = end.avoidance;
                end.handle_timeout(at);
                if end.avoidance != was {
                    seen.push((at.as_ps(), end.avoidance));
                }
            }
        };
        for (&(at, works), sequence) in said.iter().zip(1..) {
            let since = Instant::from_ps(at);
            settle(&mut end, since, &mut seen);
            end.hear(LinkState { router: 0, link: 0, sequence, works, since }, timing);
        }
        settle(&mut end, Instant::MAX, &mut seen);
        seen
    }

    #[test]
    fn a_link_is_avoided_after_convergence_and_used_after_its_hold() {
        use Avoidance::{Held, Lost, None};
        assert_eq!(changes(TIMING, &[(10, false), (40, true)]), [(15, Lost), (45, Held), (60, None)]);
        // Back before the others have converged: they do, for it is held down.
        assert_eq!(changes(TIMING, &[(10, false), (12, true)]), [(15, Lost), (17, Held), (32, None)]);
        // A failure within the hold begins the wait anew.
        let again = [(10, false), (40, true), (50, false), (55, true)];
        assert_eq!(changes(TIMING, &again), [(15, Lost), (45, Held), (55, Lost), (60, Held), (75, None)]);
        // One that is over before anybody could take it is none.
        let again = [(10, false), (40, true), (42, false), (55, true)];
        assert_eq!(changes(TIMING, &again), [(15, Lost), (60, Held), (75, None)]);
        // Without a hold what is shorter than the convergence is not seen by paths.
        let none = Timing { reversion_hold: Span::ZERO, ..TIMING };
        assert_eq!(changes(none, &[(10, false), (12, true), (30, false)]), [(35, Lost)]);
        assert_eq!(changes(none, &[(10, false), (15, true)]), []);
    }

    #[test]
    fn a_frame_of_it_is_read_back() {
        let state =
            LinkState { router: 0x102, link: 0x304, sequence: 5, works: false, since: Instant::from_ps(1 << 40) };
        let octets = state.emit();
        assert_eq!(octets, [1, 0, 1, 2, 3, 4, 0, 0, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0]);
        assert_eq!(LinkState::read(&[&octets[..], &[0; 28]].concat()), Some(state));
        assert_eq!((LinkState::read(&octets[..17]), LinkState::read(&[2; 18])), (None, None));
        assert_eq!(LinkState::read(&[1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }

    proptest! {
        #[test]
        fn any_octets_are_read_without_panic(octets in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(state) = LinkState::read(&octets) {
                prop_assert_eq!(&state.emit()[..], &octets[..18]);
            }
        }
    }
}
