//! Made providers: sites and the cloud reach each other whatever the model, the core and the labels are.

use super::any_scenario::packets;
use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) model: &'static str,
    /// Customer edge routers of each site.
    pub(super) edges: Vec<u8>,
    pub(super) core: String,
    /// P routers of a ring, in place of the rows.
    pub(super) ring: Option<usize>,
    pub(super) planes: [bool; 2],
}

pub(super) fn made() -> impl Strategy<Value = Made> {
    let model = prop::sample::select(vec!["exchange", "exchange dot1q", "ethernet", "ipvpn", "ipvpn", "ipvpn"]);
    let ttl = prop::sample::select(vec!["uniform", "pipe", "short-pipe"]);
    let null = prop::sample::select(vec!["implicit", "explicit"]);
    let core = (null, ttl, any::<bool>(), any::<bool>()).prop_map(|(null, ttl, entropy, control_word)| {
        format!("null = \"{null}\"\nttl = \"{ttl}\"\nentropy = {entropy}\ncontrol_word = {control_word}\n")
    });
    let core = (core, prop_oneof![(0usize..=4).prop_map(Ok), (1usize..=5).prop_map(Err)]);
    let planes = prop::sample::select(vec![[true, true], [true, false], [false, true]]);
    (model, prop::collection::vec(1u8..=2, 1..4), core, planes).prop_map(|(model, mut edges, (core, size), planes)| {
        let core = core + &size.map_or(String::new(), |hops| format!("hops = {hops}\n"));
        edges.truncate(if model == "ipvpn" { 3 } else { 1 });
        Made { model, edges, core, ring: size.err(), planes }
    })
}

pub(super) fn text(made: &Made) -> String {
    let mut out = format!("[provider.p]\n{}", made.core);
    let names: Vec<String> = (0..made.edges.len()).map(|s| format!("s{s}")).collect();
    if let Some(ring) = made.ring {
        let routers: Vec<String> = (0..ring).map(|r| format!("r{r}")).collect();
        out += &format!("routers = {routers:?}\n");
        for r in 1..ring + usize::from(ring > 2) {
            out +=
                &format!("[[provider.p.link]]\nbetween = [\"r{}\", \"r{}\"]\nmetric = {}\n", r - 1, r % ring, 10 + r);
        }
        out += "[provider.p.edges]\n";
        for (place, name) in names.iter().map(String::as_str).chain(["c"]).enumerate() {
            out += &format!("{name} = [\"r{}\", \"r{}\"]\n", place % ring, (place + 1) % ring);
        }
    }
    for (s, edges) in made.edges.iter().enumerate() {
        out += &format!("[site.s{s}]\nasn = {}\nprefixes = [\"10.{}.0.0/16\"]\nedges = {edges}\n", 65001 + s, 10 + s);
    }
    let (model, own) = match made.model {
        "exchange" => ("exchange", "site = \"s0\"\nvlan = [300, 301]\n".to_owned()),
        "exchange dot1q" => ("exchange", "site = \"s0\"\nencapsulation = \"dot1q\"\n".to_owned()),
        "ethernet" => ("ethernet", "site = \"s0\"\nvlan = [300, 301]\n".to_owned()),
        _ => ("ipvpn", format!("sites = {names:?}\n")),
    };
    let admin = made.planes.map(|up| if up { "enabled" } else { "disabled" });
    out + &format!(
        "[circuit.c]\nmodel = \"{model}\"\nprovider = \"p\"\n{own}port = \"10G\"\nbandwidth = \"1G\"\ns_tag = 110\n\
         primary = {{ admin = \"{}\" }}\nsecondary = {{ admin = \"{}\" }}\n\
         [circuit.c.private]\nc_tag = 20\nsubnets = \"172.16.0.0/29\"\n\
         [vnet.v]\nprefixes = [\"10.100.0.0/16\"]\n[gateway.g]\nsku = \"ErGw1Az\"\nvnets = [\"v\"]\ncircuits = [\"c\"]\n",
        admin[0], admin[1]
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn members_reach_each_other(made in made(), drop in any::<bool>()) {
        let text = text(&made);
        let scenario = Scenario::parse(&text, "made.toml").unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        let options = CompileOptions { unrouted: if drop { Unrouted::Drop } else { Unrouted::Cloud }, ..CompileOptions::default() };
        let names: Vec<String> = (0..made.edges.len()).map(|s| format!("s{s}")).chain(["v".to_owned()]).collect();
        let net = |name: &str| if name == "v" { [10, 100] } else { [10, 10 + name[1..].parse::<u8>().unwrap()] };
        for from in &names {
            for to in names.iter().filter(|to| *to != from) {
                let trial = offer(compile(&scenario, options).unwrap(), from, packets(net(from), net(to)));
                prop_assert_eq!(trial.delivered(to), 12, "{} to {}\n{}\n{:?}", from, to, text, trial.drops());
            }
            // What nobody knows goes to the cloud, from there to the first site; or nowhere.
            let trial = offer(compile(&scenario, options).unwrap(), from, packets(net(from), [10, 200]));
            let far = if from == "v" { "s0" } else { "v" };
            prop_assert_eq!(trial.delivered(far), if drop { 0 } else { 12 }, "{} to nobody\n{}", from, text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// The same where sessions bring the routes, over whatever core: those of a VPN from edge to edge.
    #[test]
    fn members_reach_each_other_by_what_sessions_bring(made in made(), repair in any::<bool>()) {
        let text = text(&made);
        let scenario = Scenario::parse(&text, "made.toml").unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        let sessions = crate::scenario::Sessions::Live;
        let options = CompileOptions { unrouted: Unrouted::Drop, sessions, repair, events: false };
        let names: Vec<String> = (0..made.edges.len()).map(|s| format!("s{s}")).chain(["v".to_owned()]).collect();
        let net = |name: &str| if name == "v" { [10, 100] } else { [10, 10 + name[1..].parse::<u8>().unwrap()] };
        for from in &names {
            for to in names.iter().filter(|to| *to != from) {
                let mut compiled = compile(&scenario, options).unwrap();
                compiled.network.control_until = Some(compiled.begin + Span::from_s(1));
                let trial = offer(compiled, from, packets(net(from), net(to)));
                prop_assert_eq!(trial.delivered(to), 12, "{} to {}\n{}\n{:?}", from, to, text, trial.drops());
                let unclaimed: u64 = trial.outcome.nodes.iter().map(|node| node.unclaimed).sum();
                prop_assert_eq!(unclaimed, 0, "{}", text);
            }
        }
    }
}
