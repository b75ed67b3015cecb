//! Certificates end after ninety days; pages have them renewed by themselves from the sixtieth on.

use std::path::Path;

use anyhow::{Context, Result};
use b4_e2e::{Person, World};
use b4_protocol::identity::UserId;
use b4_protocol::time::DAY_MS;
use b4_signaling::authority::{Issued, Refusal};
use b4_signaling::data_dir::DataDir;
use b4_signaling::registry::Registry;
use serde_json::{Value, json};

/// Days that pass.
const DAYS: u64 = 61;
/// The certificate that the browser keeps.
const KEPT: &str = r#"return new Promise((resolve, reject) => {
    const opening = indexedDB.open("b4");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
        const asking = opening.result.transaction("identity").objectStore("identity").get("device");
        asking.onsuccess = () => { opening.result.close(); resolve(String(asking.result.certificate)); };
    };
})"#;

#[tokio::test]
async fn a_certificate_is_renewed_by_itself_after_sixty_days_for_the_same_node() -> Result<()> {
    let mut world = World::start().await?;
    let anna = world.person("anna").await?;
    anna.reload().await?;
    let (identity, first) = (anna.identity().await?, kept(&anna).await?);
    world.relay.stop().await?;
    age(world.relay.data(), identity.0.as_str())?;
    world.relay.start_again().await?;
    let source = format!("{{ const now = Date.now.bind(Date); Date.now = () => now() + {}; }}", DAYS * DAY_MS);
    anna.browser.cdp("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await?;
    anna.reload().await?;
    let script = KEPT.replace("resolve(String(asking.result.certificate))", "resolve(String(asking.result.certificate) !== first)");
    anna.until("another certificate", &script, vec![first]).await?;
    anna.until_network("online").await?;
    assert_eq!(anna.identity().await?, identity);
    Ok(())
}

async fn kept(person: &Person) -> Result<Value> {
    person.run(KEPT, Vec::new()).await
}

/// Lets the authority believe that it issued the name's certificate so many days ago. No server runs.
fn age(data: &Path, name: &str) -> Result<()> {
    let registry = Registry::open(&DataDir::open(data)?.registry())?;
    let user = UserId::parse(name).context("a name")?;
    let aged = registry.claim(&user, None, |known| {
        let mut record = known.cloned().ok_or(Refusal::NoTicket)?;
        record.devices[0].not_before_ms -= DAYS * DAY_MS;
        Ok(Issued { certificate: record.devices[0].certificate.clone(), record: Some(record) })
    });
    Ok(aged.map(drop)?)
}
