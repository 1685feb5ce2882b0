//! What people learn of a page who do not see it: the accessibility tree that the browser makes.

use crate::{PATIENCE, Walk};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A node of the tree: its role and its name.
type Node = (String, String, Value);

/// The tree of the page, without what is hidden from everybody.
async fn tree(walk: &Walk) -> Vec<Node> {
    let cdp = walk.driver.cdp();
    let begun = Instant::now();
    let tree = loop {
        // A page that goes on just now has none.
        match cdp.send_raw("Accessibility.getFullAXTree", json!({})).await {
            Ok(tree) => break tree,
            Err(e) => assert!(begun.elapsed() < PATIENCE, "{e}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let text = |node: &Value, key: &str| node[key]["value"].as_str().unwrap_or("").to_owned();
    let nodes = tree["nodes"].as_array().unwrap().iter();
    nodes
        .filter(|node| node["ignored"] != true)
        .map(|node| {
            (
                text(node, "role"),
                text(node, "name"),
                node["properties"].clone(),
            )
        })
        .collect()
}

/// Everything on the page has a name, a role and a place.
pub(super) async fn assert_accessible(walk: &Walk) {
    let nodes = tree(walk).await;
    let names = |role: &str| -> Vec<&str> {
        let found = nodes.iter().filter(|(found, ..)| found == role);
        found.map(|(_, name, _)| name.as_str()).collect()
    };
    let title = walk.driver.title().await.unwrap();
    assert!(!title.is_empty());
    assert_eq!(names("RootWebArea"), [title.as_str()]);
    let html = walk.element("html").await;
    assert_eq!(html.attr("lang").await.unwrap().as_deref(), Some("en"));
    for role in ["banner", "main", "status"] {
        assert_eq!(names(role).len(), 1, "{role}: {nodes:?}");
    }
    let first_level = |(role, _, properties): &&Node| {
        let level = json!({ "name": "level", "value": { "type": "integer", "value": 1 } });
        role == "heading" && properties.as_array().unwrap().contains(&level)
    };
    assert_eq!(nodes.iter().filter(first_level).count(), 1, "{nodes:?}");
    // Whoever hears a cell hears to what it belongs.
    let cells = names("cell").len();
    assert_eq!(names("columnheader"), ["Application", "Sign-out"]);
    assert_eq!(names("rowheader").len(), cells);
    assert!(cells > 0 && names("rowheader").iter().all(|name| !name.is_empty()));
    let mut targets = [names("button"), names("link")].concat();
    assert!(
        targets.iter().all(|name| !name.trim().is_empty()),
        "{targets:?}"
    );
    targets.sort_unstable();
    let all = targets.len();
    targets.dedup();
    assert_eq!(targets.len(), all, "two are called the same: {targets:?}");
    let untitled = walk
        .driver
        .find_all(thirtyfour::By::Css("iframe:not([title])"));
    assert!(untitled.await.unwrap().is_empty());
}
