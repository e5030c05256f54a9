//! What an event may happen to, by the names that a scenario has for links, and in which direction.

use crate::scenario::model::{Circuit, EventTarget, PairId, Plane, Provider, ProviderId, Way, Ways};
use crate::scenario::nearest::{did_you_mean, listed};
use crate::scenario::read::Names;
use crate::scenario::reader::{Fault, Value};

/// What events refer to, as far as it could be read.
pub(in crate::scenario::read) struct Targets<'s> {
    names: &'s Names,
    circuits: &'s [Option<Circuit>],
    providers: &'s [Provider],
}

/// A link, and whether it is named from its second router to its first.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) target: EventTarget,
    is_reversed: bool,
}

impl Found {
    /// A place on the link, in parts per 10^9 of its length from the end that `target` names first: from the link's own first.
    pub(super) const fn place_ppb(self, written_ppb: u32) -> u32 {
        if self.is_reversed { WHOLE_PPB - written_ppb } else { written_ppb }
    }
}

/// All of a link's length.
const WHOLE_PPB: u32 = 1_000_000_000;

impl<'s> Targets<'s> {
    pub(in crate::scenario::read) const fn new(
        names: &'s Names,
        circuits: &'s [Option<Circuit>],
        providers: &'s [Provider],
    ) -> Self {
        Targets { names, circuits, providers }
    }

    /// `CIRCUIT.primary`, `CIRCUIT.secondary` or `PROVIDER.LINK`; `None` where the circuit could not be read.
    pub(super) fn find(&self, value: Value<'_>) -> Result<Option<Found>, Fault> {
        let text = value.text()?;
        let (owner, link) = text.split_once('.').unwrap_or((text, ""));
        if let Some(place) = self.names.circuits.iter().position(|circuit| circuit.value == owner) {
            return self.connection(place, link);
        }
        if let Some(place) = self.names.providers.iter().position(|provider| provider.value == owner) {
            return provider_link(ProviderId(place), &self.providers[place], link).map(Some);
        }
        let known = || self.names.circuits.iter().chain(&self.names.providers).map(|name| name.value.as_str());
        let otherwise = match known().next() {
            Some(_) => format!("the names here are {}", listed(known())),
            None => "there is none in this file; write one".to_owned(),
        };
        let remedy = did_you_mean(owner, known(), otherwise);
        Err(Fault::new(format!("there is no circuit or provider called `{owner}`"), "no such name", remedy))
    }

    fn connection(&self, place: usize, link: &str) -> Result<Option<Found>, Fault> {
        let name = &self.names.circuits[place].value;
        let Some(plane) = Plane::BOTH.into_iter().find(|plane| plane.to_string() == link) else {
            let message = format!("circuit `{name}` has the connections primary and secondary");
            let remedy = format!("write \"{name}.primary\" or \"{name}.secondary\"");
            return Err(Fault::new(message, "not one of them", remedy));
        };
        let pair: Option<PairId> = self.circuits[place].as_ref().map(|circuit| circuit.pair);
        Ok(pair.map(|pair| Found { target: EventTarget::Connection(pair, plane), is_reversed: false }))
    }
}

/// A link by its name; by the names of its two routers in either order.
fn provider_link(id: ProviderId, provider: &Provider, link: &str) -> Result<Found, Fault> {
    let names = provider.core.graph.link_names();
    let of = |reversed: bool| {
        let places = names.iter().enumerate();
        places.filter(move |(_, name)| if reversed { name.back.as_deref() == Some(link) } else { name.forth == link })
    };
    let found: Vec<(usize, bool)> =
        [false, true].into_iter().flat_map(|r| of(r).map(move |(place, _)| (place, r))).collect();
    let name = &provider.name.value;
    match found[..] {
        [(place, is_reversed)] => Ok(Found { target: EventTarget::ProviderLink(id, place), is_reversed }),
        [] => {
            let known = || names.iter().map(|name| name.forth.as_str());
            let otherwise = match known().next() {
                Some(_) => format!("the links between its P routers are {}", listed(known())),
                None => "it has no link between P routers".to_owned(),
            };
            let remedy = did_you_mean(link, known(), otherwise);
            Err(Fault::new(format!("provider `{name}` has no link called `{link}`"), "no such link", remedy))
        }
        _ => {
            let message = format!("{} links of provider `{name}` are called `{link}`", found.len());
            let remedy = format!("give each `[[provider.{name}.link]]` of them a `name`, and write that");
            Err(Fault::new(message, "which one?", remedy))
        }
    }
}

/// A direction as it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Both,
    ToMicrosoft,
    FromMicrosoft,
    Forth,
    Back,
}

impl Written {
    /// The same of `found`; the message lacks the key.
    pub(super) fn of(self, found: Found) -> Result<Ways, Fault> {
        let is_connection = matches!(found.target, EventTarget::Connection(..));
        let way = match self {
            Written::Both => return Ok(Ways::Both),
            Written::ToMicrosoft if is_connection => Way::Forth,
            Written::FromMicrosoft if is_connection => Way::Back,
            Written::Forth if !is_connection => Way::Forth,
            Written::Back if !is_connection => Way::Back,
            _ => {
                let (whose, remedy) = match is_connection {
                    true => ("a connection", "write \"to-microsoft\", \"from-microsoft\" or \"both\""),
                    false => (
                        "a provider's link",
                        "write \"forth\" (from the first router that `target` names to the second), \"back\" or \"both\"",
                    ),
                };
                let word = WAYS.iter().find(|(_, way)| *way == self).map_or("", |(word, _)| word);
                return Err(Fault::new(format!("cannot be \"{word}\" of {whose}"), "not of this target", remedy));
            }
        };
        Ok(Ways::One(if found.is_reversed { way.opposite() } else { way }))
    }
}

pub(super) const WAYS: &[(&str, Written)] = &[
    ("both", Written::Both),
    ("to-microsoft", Written::ToMicrosoft),
    ("from-microsoft", Written::FromMicrosoft),
    ("forth", Written::Forth),
    ("back", Written::Back),
];
