//! The picture of the network in a real browser: what it shows of a view, and when it asks for one.
#![cfg(target_arch = "wasm32")]

#[allow(dead_code, reason = "shared with other suites, which use the rest")]
#[path = "support/screen.rs"]
mod screen;

use b4::engine::Action;
use b4::state::{Event, Phase};
use b4_protocol::identity::NodeId;
use b4_protocol::node::{self, Command, LinkKind, LinkView, LookupView, NetworkState, NetworkView, Sought, WayView};
use b4_protocol::ring::{Side, Standing};
use screen::{Screen, contact, user};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::HtmlElement;

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
        answered: 5,
        lookups: Vec::new(),
    }
}

fn three() -> Vec<LinkView> {
    let longest = "dora.of-the-very.long-name.here0";
    vec![link("bela", 1, LinkKind::Near(Some(Side::Next))), link("carl", 128, LinkKind::Long), link(longest, 250, LinkKind::Theirs)]
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
    for word in ["bela", "1 ms", "128 ms", "1 min", "Next to you, clockwise", "Far across", "Wanted by them"] {
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
async fn a_dot_tells_who_it_is_while_it_is_pointed_at_and_the_keys_stay_where_they_are() {
    let screen = at_network(view(three())).await;
    let labels = screen.labels("[data-testid=ring-peer]");
    assert!(labels[1].contains("carl") && labels[1].contains("128 ms") && labels[1].contains("1 min"), "{labels:?}");
    assert_eq!(screen.attributes("ring-peer", "tabindex"), ["0", "-1", "-1"], "the tabulator key stops once");
    screen.press("ring-peer", "End", false).await;
    let caption = || screen.all("figcaption")[0].text_content().unwrap_or_default();
    assert!(caption().contains("dora"));
    screen.point_at("ring-peer").await;
    assert!(caption().contains("bela") && caption().contains("linked for 1 min"), "{}", caption());
    assert_eq!(screen.attributes("ring-peer", "aria-selected"), ["false", "false", "true"]);
    assert_eq!(screen.attributes("ring-peer", "tabindex"), ["-1", "-1", "0"], "the pointer moves no focus");
    screen.leave(".ring > div").await;
    assert!(caption().contains("dora"), "what was stepped to is told again: {}", caption());
}

#[wasm_bindgen_test]
async fn arrow_keys_go_round_the_ring_and_home_and_end_to_its_ends() {
    let screen = at_network(view(three())).await;
    let steps = [("ArrowRight", 1), ("ArrowRight", 2), ("ArrowDown", 0), ("ArrowLeft", 2), ("ArrowUp", 1), ("Home", 0), ("End", 2)];
    screen.one("ring-peer").unchecked_into::<HtmlElement>().focus().expect("it takes the focus");
    for (key, at) in steps {
        screen.press_focused(key).await;
        let selected: Vec<bool> = screen.attributes("ring-peer", "aria-selected").iter().map(|is| is == "true").collect();
        assert_eq!(selected, [0, 1, 2].map(|other| other == at), "{key}");
        assert_eq!(screen.focused("data-node-id").as_ref(), Some(&screen.attributes("ring-peer", "data-node-id")[at]), "{key}");
    }
}

#[wasm_bindgen_test]
async fn a_dot_that_was_pressed_stays_told_and_leads_to_the_chat_where_there_is_one() {
    let screen = at_network(view(three())).await;
    screen.node(node::Event::ContactChanged(contact("bela", node::Standing::Accepted))).await;
    screen.press("ring-peer", "End", false).await;
    assert!(!screen.has("ring-chat"), "with who is no contact there is none");
    screen.click_svg("ring-peer").await;
    assert_eq!(screen.attributes("ring-peer", "aria-selected"), ["true", "false", "false"]);
    screen.one("ring-peer").unchecked_into::<HtmlElement>().focus().expect("it takes the focus");
    screen.press_focused("Enter").await;
    assert_eq!(screen.focused("data-testid").as_deref(), Some("ring-chat"), "the Enter key goes on to it");
    screen.click("ring-chat").await;
    assert_eq!(screen.path(), "/chat/bela");
}

#[wasm_bindgen_test]
async fn whoever_comes_by_the_badge_reads_on_at_the_title_and_the_page_is_named_so() {
    let screen = Screen::at("/").await;
    screen.tell(Event::Phase(Phase::Running { me: user("anna"), node: ME })).await;
    screen.node(node::Event::NetworkChanged(NetworkState::Online)).await;
    assert_eq!(screen.title(), "B4");
    assert_eq!(screen.labels("[data-testid=network-status]"), ["Online. See the network"]);
    screen.one("network-status").unchecked_into::<HtmlElement>().focus().expect("it takes the focus");
    screen.click("network-status").await;
    assert_eq!((screen.focused("id").as_deref(), screen.title().as_str()), (Some("network-title"), "Network \u{b7} B4"));
}

#[wasm_bindgen_test]
async fn picture_numbers_and_table_have_titles_and_names_of_their_own() {
    let screen = at_network(view(three())).await;
    assert_eq!(screen.count(".network-view h3"), 3);
    let names = [screen.labels("[role=listbox]"), screen.labels("[data-testid=link-table]")].concat();
    assert!(names.len() == 2 && names[0] != names[1] && names[1].contains("clockwise"), "{names:?}");
    assert_eq!(screen.attributes("relay-status", "role"), ["status"], "that the relay comes or goes is said");
}

#[wasm_bindgen_test]
async fn why_there_is_a_link_is_told_by_a_line_of_its_own_and_in_words_that_are_true() {
    let kinds = [
        (LinkKind::Near(Some(Side::Next)), "near", "Next to you, clockwise"),
        (LinkKind::Near(Some(Side::Previous)), "near", "Next to you, counter-clockwise"),
        (LinkKind::Near(None), "near", "on both sides"),
        (LinkKind::Small, "small", "everybody is linked"),
        (LinkKind::Once, "once", "others are nearer"),
        (LinkKind::Long, "long", "Far across"),
        (LinkKind::Theirs, "theirs", "Wanted by them"),
    ];
    for (kind, key, word) in kinds {
        let screen = at_network(view(vec![link("bela", 100, kind)])).await;
        assert_eq!((screen.count(&format!(".ring-peer.{key}")), screen.count(&format!(".ring-legend .{key} .ring-link"))), (1, 1), "{key}");
        assert!(screen.text("link-table").contains(word), "{}", screen.text("link-table"));
        assert_eq!(screen.text("link-table").contains("Wanted by them"), kind == LinkKind::Theirs);
    }
}

#[wasm_bindgen_test]
async fn a_dot_reaches_as_far_as_a_finger_does_where_there_is_room_and_no_further_than_half_the_way() {
    let near = [link("bela", 30, LinkKind::Long), link("carl", 31, LinkKind::Long), link("dora", 200, LinkKind::Long)];
    let screen = at_network(view(near.to_vec())).await;
    let reach: Vec<u32> = screen.all(".ring-reach").iter().filter_map(|dot| dot.get_attribute("r")?.parse().ok()).collect();
    // Two that touch stand a fiftieth of the circle apart, which is 51.5 units.
    assert_eq!(reach, [25, 25, 56]);
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
    let timed = |number, hops, took_ms| LookupView { took_ms, ..lookup(number, Some(hops), 0) };
    let failed = LookupView { took_ms: 9_000, ..lookup(3, None, 0) };
    let seen = NetworkView { estimate: 1_849, known: 54, lookups: vec![failed, timed(2, 3, 200), timed(1, 2, 100)], ..view(three()) };
    let screen = at_network(seen).await;
    let said = screen.text("network-view");
    for word in ["about 1,800", "54 of them", "128 ms", "1.2 MB", "999 B", "12", "of 500", "2.5 steps", "150 ms, mean of the last 2"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!(screen.attributes("network-view", "data-answered"), ["5"]);
    screen.node(node::Event::NetworkViewed(Box::new(view(three())))).await;
    assert!(!screen.text("network-view").contains("about"));
}

/// A lookup of bela that ended so long ago, answered after so many hops, if it was.
fn lookup(number: u64, hops: Option<u8>, ago_ms: u64) -> LookupView {
    let way = hops.map(|hops| WayView { first: at(1), by: 1 << 30, hops });
    LookupView { number, sought: Sought::Person(user("bela")), key: 1 << 31, way, took_ms: 130, ago_ms }
}

fn looked_up(lookups: Vec<LookupView>) -> node::Event {
    node::Event::NetworkViewed(Box::new(NetworkView { lookups, ..view(three()) }))
}

#[wasm_bindgen_test]
async fn a_lookup_is_drawn_once_and_one_that_was_answered_here_not_at_all() {
    let screen = at_network(view(three())).await;
    screen.node(looked_up(vec![lookup(1, Some(0), 0)])).await;
    assert_eq!(screen.count(".ring-light"), 0);
    screen.node(looked_up(vec![lookup(2, Some(1), 0), lookup(1, Some(0), 1_000)])).await;
    screen.mark(".ring-light");
    screen.node(looked_up(vec![lookup(3, Some(1), 0), lookup(2, Some(1), 1_000), lookup(1, Some(0), 2_000)])).await;
    let lights = (screen.count(".ring-light"), screen.count(".ring-light[data-marked]"));
    assert_eq!(lights, (2, 1), "the same light goes on, a new one is added");
}

#[wasm_bindgen_test]
async fn a_lookup_of_long_ago_is_no_light_and_one_that_failed_is_a_light_of_its_own() {
    let screen = at_network(NetworkView { lookups: vec![lookup(1, Some(2), 3_600_000)], ..view(three()) }).await;
    assert_eq!(screen.count(".ring-light"), 0);
    assert!(screen.text("lookup-latest").contains("60 min ago") || screen.text("lookup-latest").contains("1 h ago"), "{}", screen.text("lookup-latest"));
    screen.node(looked_up(vec![lookup(2, None, 0), lookup(1, Some(2), 3_600_000)])).await;
    assert_eq!((screen.count(".ring-light"), screen.count(".ring-light.failed")), (1, 1));
}

#[wasm_bindgen_test]
async fn the_latest_lookup_is_told_in_words() {
    let screen = at_network(view(three())).await;
    assert!(screen.text("lookup-latest").contains("Nothing was looked for"));
    for (lookup, state, words) in [
        (lookup(1, Some(2), 0), "answered", "Looked for bela: answered after 2 steps, 130 ms, just now."),
        (lookup(2, Some(1), 65_000), "answered", "Looked for bela: answered after 1 step, 130 ms, 1 min ago."),
        (lookup(3, None, 0), "failed", "Looked for bela: no answer, given up after 130 ms, just now."),
        (LookupView { sought: Sought::Device, ..lookup(4, Some(3), 0) }, "answered", "Looked for a device to link to: answered after 3 steps, 130 ms, just now."),
        (LookupView { sought: Sought::Shelf, took_ms: 24_000, ..lookup(5, None, 0) }, "failed", "Looked for who keeps a file: no answer, given up after 24 s, just now."),
    ] {
        screen.node(looked_up(vec![lookup])).await;
        assert_eq!((screen.text("lookup-latest").as_str(), &screen.attributes("lookup-latest", "data-state")[0][..]), (words, state));
    }
}

#[wasm_bindgen_test]
async fn those_who_listen_are_told_of_people_who_were_looked_for_and_not_of_each_at_once() {
    let screen = at_network(NetworkView { lookups: vec![lookup(1, Some(2), 3_600_000)], ..view(three()) }).await;
    assert_eq!(screen.text("lookup-said"), "", "nothing of long ago");
    screen.node(looked_up(vec![LookupView { sought: Sought::Shelf, ..lookup(2, Some(2), 0) }])).await;
    assert_eq!(screen.text("lookup-said"), "", "nothing that goes on by itself");
    screen.node(looked_up(vec![lookup(3, Some(2), 0)])).await;
    let said = screen.text("lookup-said");
    assert!(said.contains("bela") && !said.contains("just now"), "{said}");
    screen.node(looked_up(vec![lookup(4, None, 0), lookup(3, Some(2), 1_000)])).await;
    assert_eq!(screen.text("lookup-said"), said, "one every ten seconds");
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
