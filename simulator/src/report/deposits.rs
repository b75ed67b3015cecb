//! What an experiment with mail for the absent measured.

use serde::Serialize;

/// What became of the letters of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Deposits {
    /// Copies that were wanted.
    pub copies: usize,
    /// Letters that enough had signed for when their author went: those below are parts of these.
    pub deposited: u64,
    /// Letters that stayed in their author's outbox.
    pub not_left: u64,
    /// Letters collected within two seconds after their receiver was in its place.
    pub delivered: u64,
    /// Letters collected after that.
    pub late: u64,
    /// Letters that were not collected while their receiver was there, but that somebody has who runs or will return.
    pub unavailable: u64,
    /// Letters that nobody has any more.
    pub lost: u64,
    /// The same per million, for the hours that were asked for.
    pub lost_per_million: f64,
    /// Letters that were opened again after they had been seen.
    pub duplicates: u64,
    /// How often, before the receiver returned, a departure left four running nodes with a letter: a letter's mean.
    pub falls_to_4: f64,
    /// Three.
    pub falls_to_3: f64,
    /// Two.
    pub falls_to_2: f64,
    /// One.
    pub falls_to_1: f64,
    /// None: those whose disk returns may bring it back.
    pub falls_to_0: f64,
    /// Bytes of items that holders gave to holders, for each byte that one copy for each departure of one of the first five would be.
    pub repair_bytes_ratio: f64,
    /// The same with what they said about it.
    pub repair_all_bytes_ratio: f64,
    /// From a letter's being left, with no link open for it, to the receipt of its last holder: the median.
    pub deposit_ms_p50: Option<f64>,
    /// The 99th percentile of the same.
    pub deposit_ms_p99: Option<f64>,
    /// From the receiver's place in the ring to a letter that is open and stored: the median.
    pub collect_ms_p50: Option<f64>,
    /// The 99th percentile of the same.
    pub collect_ms_p99: Option<f64>,
}

impl Deposits {
    /// What the summary averages, by the name it has in JSON.
    pub(super) fn measures(&self) -> Vec<(&'static str, Option<f64>)> {
        let counts = [
            ("deposited", self.deposited),
            ("not_left", self.not_left),
            ("delivered", self.delivered),
            ("late", self.late),
            ("unavailable", self.unavailable),
            ("lost", self.lost),
            ("duplicates", self.duplicates),
        ];
        let counts = counts.into_iter().map(|(name, count)| (name, Some(count as f64)));
        counts
            .chain([
                ("falls_to_4", Some(self.falls_to_4)),
                ("falls_to_3", Some(self.falls_to_3)),
                ("falls_to_2", Some(self.falls_to_2)),
                ("falls_to_1", Some(self.falls_to_1)),
                ("falls_to_0", Some(self.falls_to_0)),
                ("lost_per_million", Some(self.lost_per_million)),
                ("repair_bytes_ratio", Some(self.repair_bytes_ratio)),
                ("repair_all_bytes_ratio", Some(self.repair_all_bytes_ratio)),
                ("deposit_ms_p50", self.deposit_ms_p50),
                ("deposit_ms_p99", self.deposit_ms_p99),
                ("collect_ms_p50", self.collect_ms_p50),
                ("collect_ms_p99", self.collect_ms_p99),
            ])
            .collect()
    }
}
