//! Texts that want something else than to be read, and a page that lets nothing in.

use anyhow::Result;
use b4_e2e::{Person, World};
use serde_json::json;

/// Bytes of the longest text (PROTOCOL.md#records).
const TEXT_BYTES_MAX: usize = 16_384;

#[tokio::test]
async fn the_composer_refuses_what_is_too_long_and_counts() -> Result<()> {
    let world = World::start().await?;
    let (anna, bela) = world.pair("anna", "bela").await?;
    let longest = "x".repeat(TEXT_BYTES_MAX);
    anna.say(&format!("{longest}x")).await?;
    anna.until_text("composer-counter", "1 bytes too long").await?;
    assert!(anna.attribute("composer-send", "disabled").await?.is_some());
    // Bytes count, not characters.
    anna.write("composer-input", &"ä".repeat(TEXT_BYTES_MAX / 2 + 1)).await?;
    anna.until_text("composer-counter", "2 bytes too long").await?;
    anna.write("composer-input", &longest).await?;
    anna.until_text("composer-counter", "0 bytes left").await?;
    anna.press_enter().await?;
    bela.until_message("in", &longest, &[]).await?;
    bela.has_exactly("in", &["hello".to_owned(), longest]).await
}

#[tokio::test]
async fn what_cannot_be_sent_is_taken_out_or_shown_as_broken() -> Result<()> {
    let world = World::start().await?;
    let (anna, bela) = world.pair("anna", "bela").await?;
    paste(&anna, r#""a\u0000b\u001b[31mc""#).await?;
    anna.until_seen("composer-note").await?;
    anna.press_enter().await?;
    bela.until_message("in", "ab[31mc", &[]).await?;
    paste(&anna, r#""half \ud83d of it""#).await?;
    anna.until_seen("composer-note").await?;
    anna.press_enter().await?;
    bela.until_message("in", "half \u{fffd} of it", &[]).await?;
    // Nothing but white space is nothing.
    anna.say("  \n ").await?;
    anna.say("the last").await?;
    bela.until_message("in", "the last", &[]).await?;
    let all = ["hello", "ab[31mc", "half \u{fffd} of it", "the last"].map(str::to_owned);
    bela.has_exactly("in", &all).await
}

#[tokio::test]
async fn markup_and_scripts_in_messages_are_text_and_nothing_else() -> Result<()> {
    let world = World::start().await?;
    let (anna, bela) = world.pair("anna", "bela").await?;
    let payloads = [
        "<script>window.hacked = 1</script>",
        "<img src=x onerror=\"window.hacked = 1\">",
        "<svg/onload=window.hacked=1>",
        "javascript:window.hacked=1",
        "data:text/html,<script>window.hacked=1</script>",
        "https://b4.example/\"onmouseover=\"window.hacked=1",
        "{{constructor.constructor('window.hacked=1')()}}",
        "</bdi></li><h1 data-testid=\"message\">out of bounds</h1>",
        "\u{202e}gnp.exe \u{2066}x\u{2069}",
        "&lt;b&gt; &amp;",
    ]
    .map(str::to_owned);
    anna.say_all(&payloads).await?;
    bela.until_message("in", &payloads[payloads.len() - 1], &[]).await?;
    bela.has_exactly("in", &after(&payloads)).await?;
    for person in [&anna, &bela] {
        let strange = r#"const inside = [...document.querySelectorAll('[data-testid="message-text"] *')];
            return inside.filter((node) => node.localName !== "a" || !/^https?:\/\//.test(node.getAttribute("href"))
                || !node.rel.includes("noopener") || node.getAttributeNames().some((name) => name.startsWith("on")))
                .map((node) => node.outerHTML)"#;
        assert_eq!(person.run(strange, vec![]).await?, json!([]));
        assert_eq!(person.run("return window.hacked ?? null", vec![]).await?, json!(null));
    }
    Ok(())
}

#[tokio::test]
async fn the_headers_let_nothing_in_and_a_whole_session_breaks_none_of_them() -> Result<()> {
    let world = World::start().await?;
    for path in ["/", "/chat/anna", "/sw.js", "/nothing-here", "/healthz"] {
        let answer = world.relay.get(path)?.to_lowercase();
        let head = answer.split("\r\n\r\n").next().unwrap_or_default();
        for line in [
            "script-src 'self' 'wasm-unsafe-eval';",
            "default-src 'none';",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "permissions-policy: ",
            "cross-origin-opener-policy: same-origin",
        ] {
            assert!(head.contains(line), "{path} lacks {line:?}:\n{head}");
        }
        assert!(!head.contains("unsafe-inline") && !head.contains(" 'unsafe-eval'"), "{path}: {head}");
    }
    let (anna, bela) = world.pair("anna", "bela").await?;
    anna.say("https://b4.example/ and a list").await?;
    bela.until_message("in", "https://b4.example/ and a list", &[]).await?;
    bela.open("/you").await?;
    bela.until_seen("you").await?;
    anna.reload().await?;
    anna.until_network("online").await?;
    for person in [&anna, &bela] {
        let console = person.browser.driver()?.console().await?;
        assert!(console.is_empty(), "the console is not empty: {console:#?}");
    }
    Ok(())
}

/// Where the browser has a core for it, a thread of its own uses the keys; the page makes no other worker, whoever asks.
#[tokio::test]
async fn a_worker_uses_the_keys_and_no_other_can_be_made() -> Result<()> {
    let world = World::start().await?;
    let anna = world.person("anna").await?;
    let loaded = "return performance.getEntriesByType('resource').some(({ name }) => /\\/keys-[0-9a-f]{16}\\.js$/.test(name)) || navigator.hardwareConcurrency === 1";
    anna.until("the worker", loaded, vec![]).await?;
    for made in ["new Worker(document.querySelector('script[data-app]').src)", "trustedTypes.createPolicy('b4', {})", "new Worker('data:text/javascript,1')"] {
        let script = format!("try {{ {made}; return 'made' }} catch (error) {{ return error.name }}");
        assert_eq!(anna.run(&script, vec![]).await?, json!("TypeError"), "{made}");
    }
    Ok(())
}

fn after(payloads: &[String]) -> Vec<String> {
    super::after_hello(payloads.iter().cloned())
}

/// Pastes a JavaScript string, which may be none that Rust can have, where messages are written.
async fn paste(person: &Person, literal: &str) -> Result<()> {
    let script = format!(
        "const field = one('composer-input'); field.focus(); field.select();
         return document.execCommand('insertText', false, {literal})"
    );
    person.until("the paste", &script, vec![]).await.map(drop)
}
