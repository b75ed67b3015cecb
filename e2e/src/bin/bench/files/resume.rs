//! What a cut costs: the receiver's browser is killed and started again, or the author's page loaded anew, in the middle of a file.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde_json::{Value, json};

use super::Options;
use super::content::Content;
use super::ours::Ours;
use crate::figure::{Figure, Goal, Measured};
use crate::pages::{number, order, prepare};

/// The goal, after the link is back.
const NEW_BYTE_MS: f64 = 1_000.0;
/// For the file to come as far as the next cut. A guess.
const PATIENCE: Duration = Duration::from_secs(600);

/// Milliseconds since the link was back, of each cut, and from the cut to the link.
#[derive(Default)]
struct Samples {
    heard: Vec<f64>,
    shown: Vec<f64>,
    online: Vec<f64>,
    cut: Vec<f64>,
}

/// Measures.
pub async fn measure(options: &Options) -> Result<Measured> {
    let mut ours = Ours::start().await?;
    ours.far().run("globalThis.b4Follows = true; return true", vec![]).await?;
    let content = ours.content(options.resume_mib)?;
    ours.offer(&content).await?;
    ours.until_offered(&content).await?;
    ours.far().click_in_file(content.name(), "file-accept").await?;
    let (mut killed, mut reloaded) = (Samples::default(), Samples::default());
    for cut in 0..options.cuts {
        let progress = u64::from(100 * (cut + 1) / (options.cuts + 2));
        ours.far().until_file_within(PATIENCE, content.name(), &["receiving"], progress).await?;
        if cut % 2 == 0 {
            killed.add(kill_receiver(&mut ours).await?)?;
        } else {
            reloaded.add(reload_author(&ours).await?)?;
        }
    }
    complete(&ours, &content).await?;
    let mut figures = Vec::new();
    for (what, samples) in [("receiver's browser killed and started again", killed), ("author's page loaded again", reloaded)] {
        samples.figures(what, &mut figures);
    }
    let notes = vec![
        "The link is back when its channel opens: the handshake of the session is after that, and in the figure. The page shows progress twice a \
         second at most. All on the receiver's clock."
            .to_owned(),
    ];
    Ok(Measured { figures, notes })
}

async fn kill_receiver(ours: &mut Ours) -> Result<Value> {
    let far = ours.far_mut();
    let cut = now_ms();
    far.browser.kill();
    far.browser.start_again().await?;
    prepare(&far.browser).await?;
    far.browser.runs_first("globalThis.b4Follows = true;").await?;
    far.open("/chat/near").await?;
    resumed(ours, cut).await
}

async fn reload_author(ours: &Ours) -> Result<Value> {
    let cut = now_ms();
    ours.near().reload().await?;
    resumed(ours, cut).await
}

async fn resumed(ours: &Ours, cut: f64) -> Result<Value> {
    let mut times = order(ours.far(), "resumed", json!([cut])).await?;
    times["cut"] = json!(cut);
    Ok(times)
}

/// Since 1970, as pages count.
fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1_000.0)
}

async fn complete(ours: &Ours, content: &Content) -> Result<()> {
    ours.far().until_file_within(PATIENCE, content.name(), &["complete"], 100).await?;
    ours.near().open_chat("far").await?;
    ours.near().until_file(content.name(), &["complete"], 100).await
}

impl Samples {
    fn add(&mut self, times: Value) -> Result<()> {
        let opened = number(&times["opened"])?;
        self.heard.push(number(&times["heard"])? - opened);
        self.shown.push(number(&times["shown"])? - opened);
        self.online.extend(times["online"].as_f64().map(|online| online - opened));
        self.cut.push(opened - number(&times["cut"])?);
        Ok(())
    }

    fn figures(self, what: &str, figures: &mut Vec<Figure>) {
        if self.heard.is_empty() {
            return;
        }
        figures.push(Figure::new(&format!("{what}: link back → first new record of the file"), "ms", Goal::AtMost(NEW_BYTE_MS), self.heard));
        figures.push(Figure::new("the same → progress on the page", "ms", Goal::None, self.shown));
        if !self.online.is_empty() {
            figures.push(Figure::new("the same → the other is shown as there", "ms", Goal::None, self.online));
        }
        figures.push(Figure::new("cut → link back, starting or loading with it", "ms", Goal::None, self.cut));
    }
}
