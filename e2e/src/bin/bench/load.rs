//! What a first visit loads, and when something is to be seen.

use std::time::Duration;

use anyhow::{Context, Result};
use b4_e2e::process::LOOK_EVERY;
use b4_e2e::{Browser, Person, World};
use serde_json::{Value, json};

use crate::figure::{Figure, Goal, Measured};
use crate::pages::number;
use crate::wire::Wire;

/// First visits on the plain network of this machine.
const VISITS: usize = 3;
/// First visits on a slow network.
const SLOW_VISITS: usize = 5;
/// The goal, in bytes.
const BYTES_MAX: f64 = 250_000.0;
/// 1.6 Mbit/s down, in bytes a second; up; and the time there and back: what Lighthouse and WebPageTest call slow 4G.
const SLOW: (u32, u32, u32) = (200_000, 93_750, 150);
/// So long nothing more has come: the visit is over.
const QUIET: Duration = Duration::from_secs(2);

const TIMES: &str = r#"
    const named = (name) => performance.getEntriesByName(name)[0]?.startTime ?? null;
    const resources = performance.getEntriesByType("resource");
    const wasm = resources.find(({ name }) => name.endsWith(".wasm"));
    // What came out of the cache was counted when it came in.
    const entries = [performance.getEntriesByType("navigation")[0], ...resources].filter(({ transferSize }) => transferSize > 0);
    const paint = named("first-contentful-paint");
    return paint !== null && named("b4-booted") !== null && {
        paint, wasm: wasm.responseEnd, booted: named("b4-booted"), wasmBytes: wasm.encodedBodySize,
        bytes: entries.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
        list: entries.map(({ name, encodedBodySize }) => [new URL(name).pathname, encodedBodySize]),
    }"#;

/// One visit.
struct Visit {
    times: Value,
    wire_bytes: f64,
}

/// Measures.
pub async fn measure() -> Result<Measured> {
    let world = World::start().await?;
    let (mut plain, mut slow) = (Vec::new(), Vec::new());
    for turn in 0..VISITS + SLOW_VISITS {
        let is_slow = turn >= VISITS;
        let visit = visit(&world, turn, is_slow).await?;
        if is_slow { slow.push(visit) } else { plain.push(visit) }
    }
    let of = |visits: &[Visit], key: &str| visits.iter().map(|visit| number(&visit.times[key])).collect::<Result<Vec<f64>>>();
    let before = |visits: &[Visit]| {
        visits.iter().map(|visit| Ok(number(&visit.times["wasm"])? - number(&visit.times["paint"])?)).collect::<Result<Vec<f64>>>()
    };
    let wire = plain.iter().map(|visit| visit.wire_bytes).collect();
    let figures = vec![
        Figure::new("first visit, all that the page loads, compressed", "B", Goal::AtMost(BYTES_MAX), of(&plain, "bytes")?),
        Figure::new("first visit, all bytes on the wire: heads, the service worker and what it keeps", "B", Goal::None, wire),
        Figure::new("the module alone", "B", Goal::None, of(&plain, "wasmBytes")?),
        Figure::new("slow network: first paint so long before the module is there", "ms", Goal::AtLeast(0.0), before(&slow)?),
        Figure::new("slow network: first contentful paint", "ms", Goal::None, of(&slow, "paint")?),
        Figure::new("slow network: app started", "ms", Goal::None, of(&slow, "booted")?),
        Figure::new("loopback: first paint so long before the module is there", "ms", Goal::None, before(&plain)?),
        Figure::new("loopback: first contentful paint", "ms", Goal::None, of(&plain, "paint")?),
        Figure::new("loopback: app started", "ms", Goal::None, of(&plain, "booted")?),
    ];
    let list = &plain.first().context("there was a visit")?.times["list"];
    let notes = vec![
        format!("Loaded by the page: {list}"),
        "A fresh browser each time. Slow: 1.6 Mbit/s, 150 ms there and back, by the browser's own throttling. Over loopback the module \
         is there within one frame, before any browser can paint."
            .to_owned(),
    ];
    Ok(Measured { figures, notes })
}

async fn visit(world: &World, turn: usize, is_slow: bool) -> Result<Visit> {
    let wire = Wire::start(world.relay.address()).await?;
    let browser = Browser::start(&world.path(&format!("visit-{turn}"))).await?;
    if is_slow {
        let (down, up, latency) = SLOW;
        browser.cdp("Network.enable", json!({})).await?;
        let conditions = json!({ "offline": false, "latency": latency, "downloadThroughput": down, "uploadThroughput": up });
        browser.cdp("Network.emulateNetworkConditions", conditions).await?;
    }
    let person = Person::new("visitor", browser, &wire.url());
    person.open("/").await?;
    let times = person.until("the first paint and the start", TIMES, vec![]).await?;
    until_quiet(&wire).await;
    Ok(Visit { times, wire_bytes: wire.bytes() as f64 })
}

async fn until_quiet(wire: &Wire) {
    let (mut seen, mut since) = (wire.bytes(), tokio::time::Instant::now());
    while since.elapsed() < QUIET {
        tokio::time::sleep(LOOK_EVERY).await;
        if wire.bytes() != seen {
            (seen, since) = (wire.bytes(), tokio::time::Instant::now());
        }
    }
}
