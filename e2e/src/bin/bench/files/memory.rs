//! Memory: by how much both browsers grow while a large file goes through.

use anyhow::Result;

use super::Options;
use super::cost::{self, Growth};
use super::ours::Ours;
use crate::figure::{Figure, Goal, Measured};

/// The goal, for either side.
const EXTRA_MIB: f64 = 32.0;

/// Measures.
pub async fn measure(options: &Options) -> Result<Measured> {
    let mut ours = Ours::start().await?;
    let mib = options.memory_mib;
    // What a page needs for the first file it keeps, however small it is.
    let small = ours.content(1)?;
    pass(&ours, &small).await?;
    let content = ours.content(mib)?;
    let before = cost::before(ours.both()).await?;
    let ([copying, _], _) = cost::growth(ours.both(), &before, ours.offer(&content)).await?;
    ours.until_offered(&content).await?;
    let before = cost::before(ours.both()).await?;
    let ([sending, receiving], _) = cost::growth(ours.both(), &before, ours.receive(&content)).await?;
    let buffered = ours.buffered().await?;
    drop(content);
    let before = cost::before(ours.both()).await?;
    let ([raw_sending, raw_receiving], _) = cost::growth(ours.both(), &before, ours.pour(mib)).await?;
    let mut figures = Vec::new();
    add(&mut figures, &format!("author who copies {mib} MiB before it is offered"), &copying);
    add(&mut figures, &format!("author who sends {mib} MiB"), &sending);
    add(&mut figures, &format!("receiver of {mib} MiB"), &receiving);
    figures.push(Figure::new("most that the channel for files had buffered", "MiB", Goal::None, vec![buffered]));
    for (who, raw) in [("sender", &raw_sending), ("receiver", &raw_receiving)] {
        let name = format!("raw channel, {mib} MiB: memory by which the {who}'s browser grows at most");
        figures.push(Figure::new(&name, "MiB", Goal::None, vec![raw.peak]));
    }
    let mut notes = vec![
        "Memory of a browser: what all its processes and its driver fill themselves (files that are mapped, programs among them, are not in it), every 200 ms, over the median of three seconds \
         before, when what nobody held had been collected; it goes up and down by some MiB by itself. Of the page: what the script engine \
         counts, buffers with it; workers are in the former alone."
            .to_owned(),
    ];
    for (who, growth) in [("author copies", &copying), ("author sends", &sending), ("receiver", &receiving), ("raw receiver", &raw_receiving)] {
        let kinds: Vec<String> = growth.kinds.iter().filter(|(_, mib)| mib.abs() >= 1.0).map(|(kind, mib)| format!("{kind} {mib:+.0}")).collect();
        notes.push(format!("At the most, MiB by kind of process: {who}: {}", kinds.join(", ")));
    }
    Ok(Measured { figures, notes })
}

async fn pass(ours: &Ours, content: &super::content::Content) -> Result<()> {
    ours.offer(content).await?;
    ours.until_offered(content).await?;
    ours.receive(content).await?;
    ours.near().until_file(content.name(), &["complete"], 100).await
}

fn add(figures: &mut Vec<Figure>, who: &str, growth: &Growth) {
    let mut figure = |what: &str, goal, mib| figures.push(Figure::new(&format!("{who}: {what}"), "MiB", goal, vec![mib]));
    figure("memory by which the browser grows, at most", Goal::AtMost(EXTRA_MIB), growth.peak);
    figure("the same in the median", Goal::None, growth.usual);
    figure("memory by which the page grows, at most", Goal::None, growth.page);
}
