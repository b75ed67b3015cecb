//! The network as a picture, in numbers, and as a table for those who cannot see the picture.

mod badge;
mod light;
mod numbers;
mod peer;
mod picture;
mod table;

pub use badge::NetworkBadge;
pub use numbers::Numbers;
pub use picture::Picture;
pub use table::LinkTable;

use js_sys::Math;

/// The picture is a square of so many units, the ring in its middle.
const CENTRE: f64 = 500.0;
const RADIUS: f64 = 410.0;
/// The arc of a larger circle looks straight.
const ARC_MAX: f64 = 100_000.0;

fn radians(place: u32) -> f64 {
    f64::from(place) * (std::f64::consts::TAU / 4_294_967_296.0)
}

/// Where a place of the circle is drawn. Whole units: a picture is at most as many pixels wide.
fn point(place: u32) -> (i32, i32) {
    let whole = |at: f64| (at + 0.5).floor() as i32;
    (whole(CENTRE + RADIUS * Math::sin(radians(place))), whole(CENTRE - RADIUS * Math::cos(radians(place))))
}

/// The way on from one place of the circle to another, as a piece of a path: the arc that meets the circle at right angles, as
/// the straight lines of a hyperbolic plane do. Ways between neighbours stay beside the ring, ways across it go through the middle.
fn arc(from: u32, to: u32) -> String {
    let clockwise = to.wrapping_sub(from);
    let (way, sweep) = if clockwise <= 1 << 31 { (clockwise, 0) } else { (clockwise.wrapping_neg(), 1) };
    let radius = (RADIUS * Math::tan(radians(way) / 2.0)).clamp(0.0, ARC_MAX) as i32;
    let (x, y) = point(to);
    format!("A{radius} {radius} 0 0 {sweep} {x} {y}")
}

/// The beginning of a path at this node's own place.
fn from_me() -> String {
    let (x, y) = point(0);
    format!("M{x} {y}")
}
