//! Taking a name: what cannot be one, what is somebody's, what is the house's.

use anyhow::Result;
use b4_e2e::World;

#[tokio::test]
async fn a_taken_name_is_seen_while_typing_and_when_submitting() -> Result<()> {
    let world = World::start().await?;
    let (visitor, mut other) = tokio::try_join!(world.visitor(), world.visitor())?;
    visitor.write("onboarding-name", "anna").await?;
    visitor.until_seen("onboarding-free").await?;
    // While the first thinks it over, the second takes it.
    other.onboard("anna").await?;
    let count = "window.made = 0; const made = SubtleCrypto.prototype.generateKey;
        SubtleCrypto.prototype.generateKey = function (...of) { window.made += 1; return made.apply(this, of); }";
    visitor.browser.run(count, vec![]).await?;
    visitor.click("onboarding-submit").await?;
    visitor.until_text("onboarding-error", "Somebody has this name").await?;
    assert_eq!(visitor.browser.run("return window.made", vec![]).await?, 0, "keys for nothing");
    visitor.write("onboarding-name", "anna").await?;
    visitor.until_text("onboarding-error", "Somebody has this name").await?;
    assert!(!visitor.sees("my-user-id").await?);
    // Capital letters do not make it another name.
    visitor.write("onboarding-name", "Anna").await?;
    visitor.until_text("onboarding-error", "small letters").await?;
    visitor.click("onboarding-lower").await?;
    visitor.until_text("onboarding-error", "Somebody has this name").await
}

#[tokio::test]
async fn what_cannot_be_a_name_is_refused_with_a_reason() -> Result<()> {
    let world = World::start().await?;
    let mut visitor = world.visitor().await?;
    for (name, reason) in [
        ("admin", "kept for the house"),
        ("1anna", "starts with a letter"),
        ("an na", "no spaces"),
        ("ANNA", "small letters"),
        ("anna!", "cannot be in a name"),
        ("ännä", "cannot be in a name"),
        ("abcdefghijklmnopqrstuvwxyz-0123456", "at most 32"),
    ] {
        visitor.write("onboarding-name", name).await?;
        visitor.until_text("onboarding-error", reason).await?;
        assert!(visitor.attribute("onboarding-submit", "disabled").await?.is_some(), "{name} can be taken");
    }
    visitor.write("onboarding-name", "ab").await?;
    visitor.click("onboarding-submit").await?;
    visitor.until_text("onboarding-error", "at least 3").await?;
    // After all that, a good one is still had.
    visitor.write("onboarding-name", "anna.b-c_1").await?;
    visitor.until_seen("onboarding-free").await?;
    visitor.onboard("anna.b-c_1").await
}
