//! The picture of the network in a real browser: what it shows of a view, and when it asks for one.
#![cfg(target_arch = "wasm32")]

#[allow(dead_code, reason = "shared with other suites, which use the rest")]
#[path = "support/screen.rs"]
mod screen;

use b4::engine::Action;
use b4::state::{Event, Phase};
use b4_protocol::identity::NodeId;
use b4_protocol::node::{self, Command, LinkKind, LinkView, LookupView, NetworkState, NetworkView};
use b4_protocol::ring::Standing;
use screen::{Screen, user};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const ME: NodeId = NodeId([7; 32]);

/// The node at a part of the circle from me, in 256th.
fn at(place: u8) -> NodeId {
    let mut node = ME;
    node.0[0] = ME.0[0].wrapping_add(place);
    node
}

fn link(name: &str, place: u8, kind: LinkKind) -> LinkView {
    LinkView { node: at(place), user: user(name), kind, rtt_ms: Some(u32::from(place)), age_ms: 90_000, is_chat: false, is_holder: false }
}

fn view(links: Vec<LinkView>) -> NetworkView {
    let standing = if links.is_empty() { Standing::Alone } else { Standing::Member };
    let known = links.len() as u32;
    NetworkView {
        is_relay_up: true,
        standing,
        me: ME,
        estimate: links.len() as u64 + 1,
        links,
        known,
        ring_bytes: (1_234_567, 999),
        connections_made: 12,
        lookups: Vec::new(),
    }
}

fn three() -> Vec<LinkView> {
    let longest = "dora.of-the-very.long-name.here0";
    vec![link("bela", 1, LinkKind::Near), link("carl", 128, LinkKind::Long), link(longest, 250, LinkKind::Theirs)]
}

async fn at_network(view: NetworkView) -> Screen {
    let screen = Screen::at("/network").await;
    screen.tell(Event::Phase(Phase::Running { me: user("anna"), node: ME })).await;
    screen.node(node::Event::NetworkViewed(Box::new(view))).await;
    screen
}

fn watched(screen: &Screen) -> Vec<bool> {
    let on = |action: Action| match action {
        Action::Node(Command::WatchNetwork { on }) => Some(on),
        _ => None,
    };
    screen.orders().into_iter().filter_map(on).collect()
}

#[wasm_bindgen_test]
async fn the_network_is_watched_while_its_picture_is_there() {
    let screen = Screen::at("/chat/bela").await;
    screen.tell(Event::Phase(Phase::Running { me: user("anna"), node: ME })).await;
    assert!(watched(&screen).is_empty());
    screen.click("network-status").await;
    assert_eq!((screen.path().as_str(), screen.has("network-view"), watched(&screen)), ("/network", true, vec![true]));
    screen.click("my-user-id").await;
    assert_eq!((screen.has("network-view"), watched(&screen)), (false, vec![true, false]));
    screen.click("you-network").await;
    assert_eq!((screen.path().as_str(), screen.has("network-view")), ("/network", true));
    screen.tell(Event::Phase(Phase::SecondTab)).await;
    assert_eq!(watched(&screen), [true, false, true, false]);
}

#[wasm_bindgen_test]
async fn every_link_is_a_dot_of_its_node_a_count_and_a_row() {
    let screen = at_network(view(three())).await;
    let ids: Vec<String> = three().iter().map(|link| link.node.to_string()).collect();
    assert_eq!(screen.attributes("ring-peer", "data-node-id"), ids);
    assert_eq!(screen.text("links-count"), "3");
    assert_eq!(screen.count("[data-testid=link-table] tbody tr"), 3);
    let table = screen.text("link-table");
    for word in ["bela", "1 ms", "128 ms", "1 min", "Next to you", "Far across", "Wanted by them"] {
        assert!(table.contains(word), "{word}: {table}");
    }
    assert_eq!(screen.count("[style]"), 0, "the policy ignores style attributes");
}

#[wasm_bindgen_test]
async fn who_keeps_mail_for_this_person_is_marked_in_the_picture_and_in_words() {
    let mut links = three();
    links[1].is_holder = true;
    let screen = at_network(view(links)).await;
    assert_eq!((screen.count(".ring-peer.holder"), screen.count(".ring-legend .holder")), (1, 1));
    assert!(screen.text("link-table").contains("Far across; keeps your mail while you are away"));
    assert!(screen.labels("[data-testid=ring-peer]")[1].contains("keeps your mail"));
}

#[wasm_bindgen_test]
async fn a_dot_tells_who_it_is_when_it_is_pointed_at_or_stepped_to() {
    let screen = at_network(view(three())).await;
    let labels = screen.labels("[data-testid=ring-peer]");
    assert!(labels[1].contains("carl") && labels[1].contains("128 ms") && labels[1].contains("1 min"), "{labels:?}");
    assert_eq!(screen.attributes("ring-peer", "tabindex"), ["0", "-1", "-1"], "the tabulator key stops once");
    screen.point_at("ring-peer").await;
    assert!(screen.text("network-view").contains("linked for 1 min"));
    assert_eq!(screen.attributes("ring-peer", "aria-selected"), ["true", "false", "false"]);
    screen.press("ring-peer", "ArrowRight", false).await;
    assert_eq!(screen.attributes("ring-peer", "aria-selected"), ["false", "true", "false"]);
    assert_eq!(screen.attributes("ring-peer", "tabindex"), ["-1", "0", "-1"]);
    screen.press("ring-peer", "ArrowLeft", false).await;
    screen.press("ring-peer", "ArrowLeft", false).await;
    assert_eq!(screen.attributes("ring-peer", "aria-selected"), ["false", "false", "true"], "round the ring");
}

#[wasm_bindgen_test]
async fn a_link_that_goes_takes_its_dot_and_leaves_the_others() {
    let screen = at_network(view(three())).await;
    screen.point_at("ring-peer").await;
    screen.node(node::Event::NetworkViewed(Box::new(view(three().split_off(1))))).await;
    assert_eq!(screen.attributes("ring-peer", "data-node-id"), [at(128).to_string(), at(250).to_string()]);
    assert_eq!(screen.attributes("ring-peer", "tabindex"), ["0", "-1"]);
    assert_eq!(screen.text("links-count"), "2");
}

#[wasm_bindgen_test]
async fn the_relay_is_said_to_be_there_or_not_and_what_that_means() {
    let screen = at_network(view(three())).await;
    assert_eq!(screen.attributes("relay-status", "data-state"), ["up"]);
    screen.node(node::Event::NetworkViewed(Box::new(NetworkView { is_relay_up: false, ..view(three()) }))).await;
    assert_eq!(screen.attributes("relay-status", "data-state"), ["down"]);
    assert!(screen.text("relay-status").contains("You do not need it"));
    screen.node(node::Event::NetworkViewed(Box::new(NetworkView { is_relay_up: false, ..view(Vec::new()) }))).await;
    assert!(!screen.text("relay-status").contains("You do not need it"));
    assert!(screen.text("network-view").contains("linked to nobody"));
}

#[wasm_bindgen_test]
async fn whoever_is_alone_or_still_joining_is_told_so() {
    let screen = Screen::at("/network").await;
    screen.tell(Event::Phase(Phase::Running { me: user("anna"), node: ME })).await;
    assert_eq!(screen.attributes("network-view", "aria-busy"), ["true"]);
    screen.node(node::Event::NetworkViewed(Box::new(view(Vec::new())))).await;
    assert_eq!(screen.attributes("network-view", "aria-busy"), ["false"]);
    assert!(screen.text("network-view").contains("Nobody else is here yet"));
    assert_eq!((screen.text("links-count").as_str(), screen.has("link-table"), screen.has("ring-peer")), ("0", false, false));
    screen.node(node::Event::NetworkViewed(Box::new(NetworkView { standing: Standing::Joining, ..view(three()) }))).await;
    assert!(screen.text("network-view").contains("finding your place"));
}

#[wasm_bindgen_test]
async fn the_numbers_are_those_of_the_view_and_a_guess_is_said_to_be_one() {
    let lookup = |number, hops, took_ms| LookupView { number, first: at(1), key: 1 << 31, by: 1 << 31, hops, took_ms };
    let seen = NetworkView { estimate: 1_849, known: 54, lookups: vec![lookup(2, 3, 200), lookup(1, 2, 100)], ..view(three()) };
    let screen = at_network(seen).await;
    let said = screen.text("network-view");
    for word in ["about 1,800", "54 of them", "128 ms", "1.2 MB", "999 B", "12", "of 500", "2.5 steps", "150 ms, mean of the last 2"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!(screen.count(".ring-light"), 2);
    screen.node(node::Event::NetworkViewed(Box::new(view(three())))).await;
    assert!(!screen.text("network-view").contains("about"));
}

#[wasm_bindgen_test]
async fn a_lookup_is_drawn_once_and_one_that_was_answered_here_not_at_all() {
    let lookup = |number, hops| LookupView { number, first: at(1), key: 0, by: 1 << 30, hops, took_ms: 1 };
    let seen = |lookups| node::Event::NetworkViewed(Box::new(NetworkView { lookups, ..view(three()) }));
    let screen = at_network(view(three())).await;
    screen.node(seen(vec![lookup(1, 0)])).await;
    assert_eq!(screen.count(".ring-light"), 0);
    screen.node(seen(vec![lookup(2, 1), lookup(1, 0)])).await;
    screen.mark(".ring-light");
    screen.node(seen(vec![lookup(3, 1), lookup(2, 1), lookup(1, 0)])).await;
    let lights = (screen.count(".ring-light"), screen.count(".ring-light[data-marked]"));
    assert_eq!(lights, (2, 1), "the same light goes on, a new one is added");
}

#[wasm_bindgen_test]
async fn names_stand_apart_and_are_nothing_but_text() {
    let screen = at_network(view(three())).await;
    screen.point_at("ring-peer").await;
    assert_eq!(screen.count("[data-testid=link-table] bdi"), 3);
    assert_eq!(screen.count("[data-testid=link-table] bdi *, figcaption bdi *"), 0);
    assert!(b4_protocol::identity::UserId::parse("<img src=x>").is_err(), "a name that could be markup is none");
}

#[wasm_bindgen_test]
async fn nobody_to_be_reached_is_said_without_blaming_the_relay_alone() {
    let screen = Screen::at("/").await;
    screen.tell(Event::Phase(Phase::Running { me: user("anna"), node: ME })).await;
    screen.node(node::Event::NetworkChanged(NetworkState::Offline)).await;
    assert!(screen.text("offline-note").contains("neither the relay nor anybody else"));
    assert!(screen.attributes("network-status", "title")[0].contains("Nobody can be reached"));
}

#[wasm_bindgen_test]
async fn while_it_is_joining_nothing_is_said_to_be_out_of_reach() {
    let mut alone = view(Vec::new());
    alone.is_relay_up = false;
    let screen = at_network(alone).await;
    screen.node(node::Event::NetworkChanged(NetworkState::Joining)).await;
    let said = screen.text("network-view");
    assert!(said.contains("Joining") && !said.contains("cannot be reached") && !said.contains("nobody"), "{said}");
    screen.node(node::Event::NetworkChanged(NetworkState::Offline)).await;
    assert!(screen.text("relay-status").contains("cannot be reached"));
}
