//! One measured number beside its goal. How it is printed is the report's business.

use serde_json::{Value, json};

/// What one benchmark found.
pub struct Measured {
    /// Its figures; the first ones have goals.
    pub figures: Vec<Figure>,
    /// How it was measured, in sentences for whoever reads the result.
    pub notes: Vec<String>,
}

/// What a figure has to be.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// The median at most this.
    AtMost(f64),
    /// The median at least this.
    AtLeast(f64),
    /// It explains another figure.
    None,
}

/// One number, measured several times.
pub struct Figure {
    /// What it is.
    pub name: String,
    /// Unit, as printed.
    pub unit: &'static str,
    /// What it has to be.
    pub goal: Goal,
    samples: Vec<f64>,
}

impl Figure {
    /// A figure of these samples; at least one.
    pub fn new(name: &str, unit: &'static str, goal: Goal, samples: Vec<f64>) -> Self {
        assert!(!samples.is_empty(), "{name} was measured");
        Self { name: name.to_owned(), unit, goal, samples }
    }

    /// The middle of the samples; of an even number, the mean of the two in the middle.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The least sample.
    pub fn min(&self) -> f64 {
        self.quantile(0.0)
    }

    /// The greatest sample.
    pub fn max(&self) -> f64 {
        self.quantile(1.0)
    }

    /// How many samples there are.
    pub fn count(&self) -> usize {
        self.samples.len()
    }

    /// Whether the goal is met; `None` without one.
    pub fn is_met(&self) -> Option<bool> {
        match self.goal {
            Goal::AtMost(goal) => Some(self.median() <= goal),
            Goal::AtLeast(goal) => Some(self.median() >= goal),
            Goal::None => None,
        }
    }

    /// For the file of results.
    pub fn to_json(&self) -> Value {
        let (bound, goal) = match self.goal {
            Goal::AtMost(goal) => ("at-most", Some(goal)),
            Goal::AtLeast(goal) => ("at-least", Some(goal)),
            Goal::None => ("none", None),
        };
        json!({
            "figure": self.name, "unit": self.unit, "bound": bound, "goal": goal, "met": self.is_met(),
            "median": self.median(), "min": self.min(), "max": self.max(),
            "p95": self.quantile(0.95), "samples": self.samples,
        })
    }

    /// A figure as it stands in the file of results.
    pub fn from_json(value: &Value) -> Option<Self> {
        const UNITS: [&str; 13] = ["ms", "s", "ms/s", "B", "B/s", "kB", "MB", "MiB", "MiB/s", "", "×", "/s", "points"];
        let unit = UNITS.into_iter().find(|unit| value["unit"] == json!(unit))?;
        let goal = match (value["bound"].as_str()?, value["goal"].as_f64()) {
            ("at-most", Some(goal)) => Goal::AtMost(goal),
            ("at-least", Some(goal)) => Goal::AtLeast(goal),
            _ => Goal::None,
        };
        let samples: Vec<f64> = value["samples"].as_array()?.iter().filter_map(Value::as_f64).collect();
        (!samples.is_empty()).then(|| Self { name: value["figure"].as_str().unwrap_or_default().to_owned(), unit, goal, samples })
    }

    fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        let place = part * (sorted.len() - 1) as f64;
        let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
        below + (above - below) * place.fract()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert_eq!(Figure::new("x", "ms", Goal::None, vec![4.0, 1.0, 2.0, 3.0]).median(), 2.5);
        assert_eq!(Figure::new("x", "ms", Goal::None, vec![9.0, 1.0, 2.0]).median(), 2.0);
    }

    #[test]
    fn a_goal_is_met_by_the_median_and_not_by_the_best() {
        let figure = |goal| Figure::new("x", "ms", goal, vec![1.0, 5.0, 9.0]).is_met();
        assert_eq!([figure(Goal::AtMost(5.0)), figure(Goal::AtMost(4.0)), figure(Goal::AtLeast(6.0))].map(|met| met == Some(true)), [true, false, false]);
        assert_eq!(figure(Goal::None), None);
    }

    #[test]
    fn a_figure_survives_its_file() {
        let figure = Figure::new("x", "/s", Goal::AtLeast(2.0), vec![1.0, 3.0]);
        let read = Figure::from_json(&figure.to_json()).expect("a figure");
        assert_eq!(read.to_json(), figure.to_json());
    }
}
