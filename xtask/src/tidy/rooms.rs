//! Who may import whom: the table of directions.
//!
//! In `protocol` a room imports only rooms to its left. In the app `ui` imports `state` and the engine's handle, `engine`
//! imports `platform` and `state`; `web_sys` is named in `platform` alone, but for event types and elements in `ui`.
//! A crate's root (`lib.rs`, `main.rs`, `app.rs`) puts the rooms together and is free. Tests are free.

use std::path::Path;

use super::Breach;
use super::source::Source;

/// The rooms of `protocol`, left to right.
const PROTOCOL: &[&str] = &[
    "time", "limits", "codec", "asn1", "ordered", "store", "timers", "crypto", "identity", "signal", "handshake", "session", "ring",
    "directory", "file", "message", "mailbox", "chat", "node",
];
/// The rooms of the app, and what each may import besides itself.
const APP: [(&str, &[&str]); 4] =
    [("ui", &["state", "engine"]), ("engine", &["platform", "state"]), ("state", &[]), ("platform", &[])];

/// The breaches of one file.
pub fn check(source: &Source) -> Vec<Breach> {
    let mut breaches = Vec::new();
    if let Some(path) = module_path(&source.file, Path::new("protocol/src")) {
        breaches.extend(check_imports(source, &path, may_import_in_protocol));
    }
    if let Some(path) = module_path(&source.file, Path::new("src")) {
        breaches.extend(check_imports(source, &path, may_import_in_app));
        breaches.extend(check_web_sys(source, &path));
    }
    breaches
}

/// The module path of a file below the crate's `src`: empty for the crate's root.
fn module_path(file: &Path, src: &Path) -> Option<Vec<String>> {
    let below = file.strip_prefix(src).ok()?.with_extension("");
    let mut path: Vec<String> = below.iter().filter_map(|part| part.to_str()).map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    if path.len() == 1 && ["lib", "main", "app"].contains(&path[0].as_str()) {
        path.clear();
    }
    Some(path)
}

fn may_import_in_protocol(room: &str, other: &str) -> Result<(), String> {
    let place = |room: &str| PROTOCOL.iter().position(|known| *known == room);
    let Some(own) = place(room) else {
        return Err(format!("the room `{room}` has no place in the table of directions (xtask/src/tidy/rooms.rs)"));
    };
    match place(other) {
        Some(others) if others > own => Err(format!("`{room}` may not import `{other}`, which lies to its right")),
        _ => Ok(()),
    }
}

fn may_import_in_app(room: &str, other: &str) -> Result<(), String> {
    let allowed = APP.iter().find(|(known, _)| *known == room).map_or(&[][..], |(_, allowed)| allowed);
    let is_room = APP.iter().any(|(known, _)| *known == other);
    if !is_room || allowed.contains(&other) {
        return Ok(());
    }
    Err(format!("`{room}` may not import `{other}`"))
}

/// Asks `may` of every room of the own crate that the file names.
fn check_imports(source: &Source, path: &[String], may: fn(&str, &str) -> Result<(), String>) -> Vec<Breach> {
    let Some(room) = path.first() else { return Vec::new() };
    let mut breaches = Vec::new();
    for (at, other) in rooms_named(source, path) {
        if other == *room || source.in_test(at) {
            continue;
        }
        if let Err(message) = may(room, &other) {
            breaches.push(Breach::new(&source.file, source.line(at), message));
        }
    }
    breaches
}

/// The top-level modules that a file names, by `crate::` or by as many `super::` as lead there.
fn rooms_named(source: &Source, path: &[String]) -> Vec<(usize, String)> {
    let mut named = Vec::new();
    for at in source.find("crate::") {
        named.extend(first_names(&source.code[at + "crate::".len()..]).into_iter().map(|name| (at, name)));
    }
    let chain = "super::".repeat(path.len());
    for at in source.find(&chain) {
        let (before, after) = (&source.code[..at], &source.code[at + chain.len()..]);
        if !before.ends_with("super::") && !after.starts_with("super::") {
            named.extend(first_names(after).into_iter().map(|name| (at, name)));
        }
    }
    named
}

/// The first names of `a::b`, or of each member of `{a::b, c}`.
fn first_names(rest: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|mark| mark.is_alphanumeric() || *mark == '_').collect::<String>();
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut names, mut depth, mut member) = (Vec::new(), 0usize, String::new());
    for mark in group.chars() {
        match mark {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(name(member.trim()));
                member.clear();
                continue;
            }
            _ => {}
        }
        member.push(mark);
    }
    names.push(name(member.trim()));
    names.retain(|name| !name.is_empty());
    names
}

/// `web_sys` outside of `platform`.
fn check_web_sys(source: &Source, path: &[String]) -> Vec<Breach> {
    let room = path.first().map_or("", String::as_str);
    let mut breaches = Vec::new();
    for at in source.find("web_sys").into_iter().filter(|at| room != "platform" && !source.in_test(*at)) {
        let rest = &source.code[at + "web_sys".len()..];
        let names = rest.strip_prefix("::").map(first_names).unwrap_or_default();
        if room != "ui" || names.is_empty() || !names.iter().all(|name| is_event_type(name)) {
            let message = "`web_sys` belongs in `platform` (in `ui` only event types and elements)";
            breaches.push(Breach::new(&source.file, source.line(at), message));
        }
    }
    breaches
}

/// Events, what they happen to, and where.
fn is_event_type(name: &str) -> bool {
    let is_element = name == "Element" || name.starts_with("Html") && name.ends_with("Element");
    name.ends_with("Event") || ["EventTarget", "Node"].contains(&name) || is_element
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(file: &str, text: &str) -> usize {
        check(&Source::read(Path::new(file), text.to_owned())).len()
    }

    #[test]
    fn a_room_of_the_core_imports_to_the_left_only() {
        assert_eq!(count("protocol/src/chat/mod.rs", "use crate::session::Record;"), 0);
        assert_eq!(count("protocol/src/chat/mod.rs", "use crate::chat::Outbox;"), 0);
        assert_eq!(count("protocol/src/session/mod.rs", "use crate::chat::Outbox;"), 1);
        assert_eq!(count("protocol/src/session/mod.rs", "use crate::{crypto::{A, B}, node, chat::C};"), 2);
        assert_eq!(count("protocol/src/time.rs", "use super::codec::Reader;"), 1);
        assert_eq!(count("protocol/src/chat/outbox.rs", "use super::super::node::Node; use super::node::Own;"), 1);
        assert_eq!(count("protocol/src/lib.rs", "pub use crate::node::Node;"), 0);
        assert_eq!(count("protocol/src/new.rs", "use crate::time::Now;"), 1);
    }

    #[test]
    fn tests_are_free() {
        assert_eq!(count("protocol/src/time.rs", "#[cfg(test)]\nmod tests { use crate::node::Node; }"), 0);
    }

    #[test]
    fn the_screen_reaches_state_and_engine_and_nothing_below() {
        assert_eq!(count("src/ui/mod.rs", "use crate::state::State; use crate::engine::EngineHandle;"), 0);
        assert_eq!(count("src/ui/mod.rs", "use crate::platform::clock;"), 1);
        assert_eq!(count("src/state/mod.rs", "use crate::engine::Action;"), 1);
        assert_eq!(count("src/platform/mod.rs", "use crate::engine::Action;"), 1);
        assert_eq!(count("src/engine/mod.rs", "use crate::{platform, state}; use crate::ui::App;"), 1);
        assert_eq!(count("src/app.rs", "use crate::{platform, state, ui};"), 0);
    }

    #[test]
    fn web_sys_is_the_platforms_and_its_event_types_the_screens() {
        assert_eq!(count("src/platform/rtc/mod.rs", "use web_sys::RtcPeerConnection;"), 0);
        assert_eq!(count("src/ui/a.rs", "use web_sys::{HtmlInputElement, InputEvent, KeyboardEvent};"), 0);
        assert_eq!(count("src/ui/a.rs", "use web_sys::{InputEvent, Window};"), 1);
        assert_eq!(count("src/ui/a.rs", "use web_sys as web;"), 1);
        assert_eq!(count("src/state/mod.rs", "use web_sys::InputEvent;"), 1);
    }
}
