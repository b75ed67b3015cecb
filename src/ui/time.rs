//! Times as people read them, in the browser's language and zone.

use js_sys::{Array, Date, Function, Intl, Object, Reflect};
use wasm_bindgen::JsValue;

thread_local! {
    // Made once: making one takes longer than all else about a message on the screen.
    static CLOCK: Function = format_of(&[("hour", "numeric"), ("minute", "2-digit")]);
    static DAY: Function = format_of(&[("weekday", "long"), ("day", "numeric"), ("month", "long"), ("year", "numeric")]);
    static DATE: Function = format_of(&[("day", "numeric"), ("month", "short")]);
}

fn date(ms: u64) -> Date {
    // Exact up to 2^53, which is the year 287,396.
    Date::new(&JsValue::from_f64(ms as f64))
}

fn format_of(fields: &[(&str, &str)]) -> Function {
    let options = Object::new();
    for (name, value) in fields {
        // A plain object takes every field.
        let _ = Reflect::set(&options, &JsValue::from_str(name), &JsValue::from_str(value));
    }
    Intl::DateTimeFormat::new(&Array::new(), &options).format()
}

fn text(format: &Function, ms: u64) -> String {
    // Refused only for what is no time.
    format.call1(&JsValue::UNDEFINED, &JsValue::from_f64(ms as f64)).ok().and_then(|text| text.as_string()).unwrap_or_default()
}

/// `14:05`
pub fn clock(ms: u64) -> String {
    CLOCK.with(|format| text(format, ms))
}

/// `Monday, 23 November 2026`
pub fn day(ms: u64) -> String {
    DAY.with(|format| text(format, ms))
}

/// For machines: ISO 8601.
pub fn iso(ms: u64) -> String {
    String::from(date(ms).to_iso_string())
}

/// The local day as a number that differs from day to day.
pub fn day_number(ms: u64) -> i64 {
    let local = date(ms);
    let shifted = ms as f64 - local.get_timezone_offset() * 60_000.0;
    (shifted / 86_400_000.0).floor() as i64
}

/// The clock today, the short date before.
pub fn short(ms: u64, now_ms: u64) -> String {
    if ms == 0 {
        return String::new();
    }
    if day_number(ms) == day_number(now_ms) {
        return clock(ms);
    }
    DATE.with(|format| text(format, ms))
}

/// Now, by the wall clock.
pub fn now_ms() -> u64 {
    Date::now() as u64
}
