//! The file itself, and `[settings]`.

use super::shape::{Key, Shape, Table, integer, key, named, octets, table, time};
use super::{circuit, cloud, control, event, global_reach, provider, public, router, site, traffic};
use crate::id::StreamId;
use crate::scenario::read::MOST_EVENTS;

pub(super) fn root() -> Table {
    let keys = vec![
        key("name", Shape::Text, "What the scenario is called; the file's name if absent.").example("Two planes"),
        key("seed", integer(0..=u64::MAX), "Of everything random: loss, the spread over equal paths.").default(1),
        key("duration", time(), "How long a drill runs, \"1ns\" to 200 days; without it `--duration` says so.")
            .example("1s")
            .example("300ms"),
        key("settings", settings().shape(), "What holds for the whole network."),
        key("control", control::control().shape(), "What holds for the control planes of all routers."),
        key("site", named(site::site(), 64), "On-premises networks: `[site.NAME]`."),
        key("provider", named(provider::provider(), 16), "Connectivity providers: `[provider.NAME]`."),
        key("circuit", named(circuit::circuit(), 64), "ExpressRoute circuits: `[circuit.NAME]`."),
        key("vnet", named(cloud::vnet(), 256), "Virtual networks: `[vnet.NAME]`."),
        key("gateway", named(cloud::gateway(), 64), "Virtual network gateways: `[gateway.NAME]`."),
        key("service", named(public::service(), 64), "Services at public addresses: `[service.NAME]`."),
        tables("global_reach", global_reach::global_reach(), None, "Circuits that are joined: `[[global_reach]]`."),
        key("router", named(router::router(), 64), "Routers given entry by entry: `[router.NAME]`."),
        tables("traffic", traffic::traffic(), Some(StreamId::MAX_SOURCES), "Streams of a drill: `[[traffic]]`."),
        tables("event", event::event(), Some(MOST_EVENTS), "What happens during a drill: `[[event]]`."),
    ];
    table("the file", "A scenario: a network, and the traffic through it.", keys)
}

/// `[[name]]`.
fn tables(name: &'static str, table: Table, most: Option<usize>, about: &'static str) -> Key {
    key(name, Shape::List { of: Box::new(table.shape()), least: 0, most, differ: false }, about)
}

fn settings() -> Table {
    let keys = vec![
        key(
            "punt_delay",
            time(),
            "Time of a router for a frame off the fast path (ICMP errors, fragments): \"100ns\" to \"1s\".",
        )
        .default("20us"),
        key("mtu", octets(1280..=9216), "The largest IP packet, 1280 to 9216 octets; tags do not count.").default(1500),
        key("icmp", Shape::Boolean, "Whether routers answer with ICMP errors.").default(true),
        key("hash_seed", integer(0..=u64::MAX), "Of the spread over equal paths; the run's seed decides if absent."),
    ];
    table("[settings]", "", keys)
}
