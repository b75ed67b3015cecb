//! The network as a picture, in numbers, and as a table for those who cannot see the picture.
//!
//! All are plain functions of what they show: a component of Yew's weighs as much in the module as all that one of
//! them draws.

mod badge;
mod latest;
mod light;
mod numbers;
mod peer;
mod picture;
mod table;

pub use badge::network_badge;
pub use latest::{Said, latest};
pub use numbers::numbers;
pub use picture::{Picked, picture};
pub use table::link_table;

use js_sys::Math;

/// The ring in the units of the picture.
const CENTRE: f64 = 500.0;
const RADIUS: f64 = 410.0;
/// The arc of a larger circle looks straight.
const ARC_MAX: f64 = 100_000.0;

fn radians(place: u32) -> f64 {
    f64::from(place) * (std::f64::consts::TAU / 4_294_967_296.0)
}

/// Where a place of the circle is drawn, as attributes. Whole units: a picture is hardly as many pixels wide.
fn point(place: u32) -> [String; 2] {
    let angle = radians(place);
    [RADIUS * Math::sin(angle), -RADIUS * Math::cos(angle)].map(|way| ((CENTRE + way + 0.5) as i32).to_string())
}

/// A path, from this node's own place where there is none before, and on from one place of the circle to another: over the arc that
/// meets the circle at right angles, as the straight lines of a hyperbolic plane do. Ways between neighbours stay beside the ring,
/// ways across it go through the middle.
fn arc(before: Option<String>, from: u32, to: u32) -> String {
    let clockwise = to.wrapping_sub(from);
    let (way, sweep) = if clockwise <= 1 << 31 { (clockwise, "0") } else { (clockwise.wrapping_neg(), "1") };
    let radius = (RADIUS * Math::tan(radians(way) / 2.0)).clamp(0.0, ARC_MAX) as i32;
    let [x, y] = point(to);
    format!("{}A{radius} {radius} 0 0 {sweep} {x} {y}", before.as_deref().unwrap_or("M500 90"))
}
