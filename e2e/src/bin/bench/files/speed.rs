//! Throughput and processor time: in each round everything that is compared is done once, one right after the other.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::content::Content;
use super::ours::Ours;
use super::rivals::{RIVALS, Rivals};
use super::{Options, cost};
use crate::figure::{Figure, Goal, Measured};
use crate::pages::number;

/// The goals, both of raw.
const THROUGHPUT_PART: f64 = 0.85;
const PROCESSOR_TIMES: f64 = 1.25;
/// The two that are there whatever the rivals do.
const RAW: &str = "raw";
const OURS: &str = "B4";

/// Samples by what they are of, `mib_s` and `processor_s` of each that was measured, and of copying.
#[derive(Default)]
struct Samples {
    mib_s: BTreeMap<&'static str, Vec<f64>>,
    processor_s: BTreeMap<&'static str, Vec<f64>>,
    first_ms: Vec<f64>,
    copy_ms: Vec<f64>,
    copy_s: Vec<f64>,
}

/// Measures.
pub async fn measure(options: &Options) -> Result<Measured> {
    let mut ours = if options.has("speed") { Some(Ours::start().await?) } else { None };
    let mut rivals = if options.has("rivals") { Some(Rivals::start().await?) } else { None };
    let (mut samples, mut failed) = (Samples::default(), BTreeMap::new());
    for round in 0..=options.rounds {
        // The first one wakes everything up.
        if round == 1 {
            samples = Samples::default();
        }
        eprintln!("round {round} of {}", options.rounds);
        if let Some(ours) = &mut ours {
            let content = ours.content(options.file_mib)?;
            // Each is first in every other round: what runs beside this run comes and goes.
            if round % 2 == 0 {
                raw(ours, options.file_mib, &mut samples).await?;
                sent(ours, &content, options.file_mib, &mut samples).await?;
            } else {
                sent(ours, &content, options.file_mib, &mut samples).await?;
                raw(ours, options.file_mib, &mut samples).await?;
            }
        }
        for name in RIVALS {
            let Some(rivals) = rivals.as_mut().filter(|_| !failed.contains_key(name)) else { continue };
            match rival(rivals, name, options.file_mib).await {
                Ok((took, processor)) => samples.add(name, options.file_mib, took, processor),
                Err(why) => {
                    eprintln!("{name}: {why:#}");
                    failed.insert(name, why.to_string());
                }
            }
        }
    }
    ensure!(!samples.mib_s.is_empty(), "nothing was sent");
    let mut notes = notes(options);
    notes.extend(failed.iter().map(|(name, why)| format!("NOT MEASURED: {name}: {}", why.lines().next().unwrap_or_default())));
    Ok(Measured { figures: samples.figures(options.file_mib), notes })
}

async fn raw(ours: &Ours, mib: u64, samples: &mut Samples) -> Result<()> {
    let (processor, took) = cost::processor(ours.both(), ours.pour(mib)).await?;
    samples.add(RAW, mib, took, processor);
    Ok(())
}

async fn sent(ours: &Ours, content: &Content, mib: u64, samples: &mut Samples) -> Result<()> {
    let (processor, took) = cost::processor(ours.both(), ours.offer(content)).await?;
    samples.copy_ms.push(took);
    samples.copy_s.push(processor);
    ours.until_offered(content).await?;
    let (processor, times) = cost::processor(ours.both(), ours.receive(content)).await?;
    samples.add(OURS, mib, number(&times["took"])?, processor);
    samples.first_ms.push(number(&times["first"])?);
    ours.near().until_file(content.name(), &["complete"], 100).await
}

async fn rival(rivals: &mut Rivals, name: &'static str, mib: u64) -> Result<(f64, f64)> {
    let content = rivals.content(mib)?;
    rivals.connect(name, &content).await?;
    let (processor, took) = cost::processor(rivals.both(), rivals.send()).await?;
    Ok((took, processor))
}

impl Samples {
    fn add(&mut self, name: &'static str, mib: u64, took_ms: f64, processor_s: f64) {
        self.mib_s.entry(name).or_default().push(mib as f64 * 1_000.0 / took_ms);
        self.processor_s.entry(name).or_default().push(processor_s);
    }

    fn figures(self, mib: u64) -> Vec<Figure> {
        let ratio = |of: &BTreeMap<&str, Vec<f64>>| -> Vec<f64> {
            let both = of.get(OURS).into_iter().flatten().zip(of.get(RAW).into_iter().flatten());
            both.map(|(ours, raw)| ours / raw).collect()
        };
        let (throughput, processor) = (ratio(&self.mib_s), ratio(&self.processor_s));
        let mut figures = Vec::new();
        if !throughput.is_empty() {
            figures.push(Figure::new(&format!("file of {mib} MiB, accepted → complete: throughput ÷ raw channel"), "×", Goal::AtLeast(THROUGHPUT_PART), throughput));
            figures.push(Figure::new("processor time of both browsers meanwhile ÷ raw channel", "×", Goal::AtMost(PROCESSOR_TIMES), processor));
        }
        for name in [RAW, OURS].into_iter().chain(RIVALS) {
            if let (Some(mib_s), Some(processor_s)) = (self.mib_s.get(name), self.processor_s.get(name)) {
                figures.push(Figure::new(&format!("{name}: throughput"), "MiB/s", Goal::None, mib_s.clone()));
                figures.push(Figure::new(&format!("{name}: processor time of both browsers for {mib} MiB"), "s", Goal::None, processor_s.clone()));
            }
        }
        if !self.copy_ms.is_empty() {
            figures.push(Figure::new("B4: accepted → first record there", "ms", Goal::None, self.first_ms));
            figures.push(Figure::new(&format!("B4: chosen → copied, hashed and offered ({mib} MiB), before anything is sent"), "ms", Goal::None, self.copy_ms));
            figures.push(Figure::new("B4: processor time of both browsers for that", "s", Goal::None, self.copy_s));
        }
        figures
    }
}

fn notes(options: &Options) -> Vec<String> {
    vec![
        format!(
            "Raw and B4 between the same two pages, rivals between two others, in turns: {} rounds and one before that counts not. Raw: pieces of \
             64 KiB, ordered and reliable, at most 1 MiB buffered and more from 256 KiB down, as B4 does it; bytes are counted and dropped. B4: \
             from the press on the button that accepts until the card says complete: encrypted, each block checked, on the disk. What its author's \
             page does before it offers (a copy of its own, hashed) is apart, and is done once for however many receivers.",
            options.rounds
        ),
        "Rivals: from the order, with the file in a field of the page, until the other page said over the same library that it had all; read from the \
         disk, and nothing written there. PeerJS and Trystero take and give an ArrayBuffer whole; simple-peer is a stream, pieces of 64 KiB, whose \
         bytes the other page counts and drops. Their interfaces know no way to go on after a page was loaded again: what was sent is sent again."
            .to_owned(),
        "Processor time: all processes of both browsers and their drivers, until half a second after.".to_owned(),
    ]
}
