//! The app's screen in this page, with an engine that writes orders down and a browser that does as it is told.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use b4::engine::{Action, EngineHandle};
use b4::platform::Pause;
use b4::state::{AppState, Event};
use b4::ui::{App, Browser, Guard, Reach};
use b4_protocol::chat::MessageId;
use b4_protocol::identity::UserId;
use b4_protocol::ordered::OrderedMap;
use b4_protocol::node::{self, ContactView, Direction, KeyStanding, MessageState, MessageView, Sealing, Presence, Standing};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event as DomEvent, EventInit, HtmlElement, HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement, KeyboardEvent, KeyboardEventInit};
use yew::prelude::*;

/// A user by name.
pub fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a name")
}

/// A contact of whom nothing else is known.
pub fn contact(name: &str, standing: Standing) -> ContactView {
    ContactView {
        user: user(name),
        standing,
        presence: Presence::Unknown,
        key: KeyStanding::Pinned,
        safety_number: None,
        unread: 0,
        preview: String::new(),
        last_ms: 0,
        read_up_to_seq: 0,
    }
}

/// A message at a place of a conversation.
pub fn message(order: u64, direction: Direction, state: MessageState) -> MessageView {
    let id = MessageId(u128::from(order).to_be_bytes());
    MessageView { id, order, seq: order, direction, sent_ms: order, text: format!("text {order}"), file: None, state, gap_before: 0, sealing: Sealing::Session, holders: Vec::new() }
}

type Later = RefCell<Option<Box<dyn FnOnce(())>>>;
type Listener = Rc<RefCell<Option<Rc<dyn Fn()>>>>;

/// What the test and the app share.
#[derive(Default)]
struct Shared {
    state: RefCell<AppState>,
    shown: RefCell<Option<UseStateSetter<Rc<AppState>>>>,
    orders: RefCell<Vec<Action>>,
    path: RefCell<String>,
    title: RefCell<String>,
    drafts: RefCell<OrderedMap<String, String>>,
    is_visible: Cell<bool>,
    visibility: Listener,
    /// To be called once what was last copied is in the clipboard.
    clipboard: Later,
}

/// The screen under test. Its element goes with it.
pub struct Screen {
    shared: Rc<Shared>,
    element: Element,
    app: Option<AppHandle<Host>>,
}

impl Screen {
    /// Mounts the app, with the address at `path`.
    pub async fn at(path: &str) -> Self {
        let document = web_sys::window().and_then(|window| window.document()).expect("a document");
        let element = document.create_element("div").expect("an element");
        document.body().expect("a body").append_child(&element).expect("appended");
        let shared = Rc::new(Shared::default());
        shared.path.replace(path.to_owned());
        shared.is_visible.set(true);
        let props = HostProps { shared: Handle(Rc::clone(&shared)) };
        let app = yew::Renderer::<Host>::with_root_and_props(element.clone(), props).render();
        let screen = Self { shared, element, app: Some(app) };
        screen.until(|| screen.shared.shown.borrow().is_some()).await;
        screen
    }

    /// The app is told an event and has shown it.
    pub async fn tell(&self, event: Event) {
        self.shared.state.borrow_mut().apply(event);
        let state = Rc::new(self.shared.state.borrow().clone());
        if let Some(shown) = &*self.shared.shown.borrow() {
            shown.set(state);
        }
        self.settle().await;
    }

    /// The same for an event of the node.
    pub async fn node(&self, event: node::Event) {
        self.tell(Event::Node(event)).await;
    }

    /// Everything that was ordered so far.
    pub fn orders(&self) -> Vec<Action> {
        // What every conversation orders when it opens is of no interest.
        let is_opening = |action: &Action| matches!(action, Action::Node(node::Command::Open { .. } | node::Command::LoadMessages { .. }));
        self.shared.orders.borrow().iter().filter(|action| !is_opening(action)).cloned().collect()
    }

    /// The address.
    pub fn path(&self) -> String {
        self.shared.path.borrow().clone()
    }

    /// The title of the page.
    pub fn title(&self) -> String {
        self.shared.title.borrow().clone()
    }

    /// What was begun and not sent to somebody, as the browser keeps it.
    pub fn draft(&self, to: &str) -> Option<String> {
        self.shared.drafts.borrow().get(to).cloned()
    }

    /// The browser has kept this since before the page was loaded.
    pub fn begin_with_draft(&self, to: &str, text: &str) {
        self.shared.drafts.borrow_mut().insert(to.to_owned(), text.to_owned());
    }

    /// The page comes into sight or goes out of it.
    pub async fn show(&self, is_visible: bool) {
        self.shared.is_visible.set(is_visible);
        let told = self.shared.visibility.borrow().clone();
        told.expect("somebody looks at the visibility")();
        self.settle().await;
    }

    /// The clipboard has taken what was copied.
    pub async fn take_copy(&self) {
        let then = self.shared.clipboard.take().expect("something was copied");
        then(());
        self.settle().await;
    }

    /// Moves a list to so many pixels above its end.
    pub async fn scroll(&self, testid: &str, above_end: i32) {
        self.one(testid).set_scroll_top(-above_end);
        self.one(testid).dispatch_event(&DomEvent::new("scroll").expect("an event")).expect("dispatched");
        self.settle().await;
    }

    /// How many pixels above its end a list stands.
    pub fn scrolled(&self, testid: &str) -> i32 {
        -self.one(testid).scroll_top()
    }

    /// Makes an element a list of this height that is laid out from its end, as the styles do.
    pub fn lay_out(&self, testid: &str, height: &str) {
        let style = format!("height: {height}; overflow-y: auto; display: flex; flex-direction: column-reverse");
        self.one(testid).set_attribute("style", &style).expect("an attribute");
    }

    /// Waits until something is so.
    pub async fn until(&self, is_so: impl Fn() -> bool) {
        for _ in 0..200 {
            if is_so() {
                return;
            }
            Pause::for_ms(10).await;
        }
        panic!("it does not come about; the screen shows: {}", self.element.text_content().unwrap_or_default());
    }

    /// Whether an element with this test id is there.
    pub fn has(&self, testid: &str) -> bool {
        self.find(testid).is_some()
    }

    /// How many elements a selector finds.
    pub fn count(&self, selector: &str) -> u32 {
        self.element.query_selector_all(selector).expect("a selector").length()
    }

    /// The text of the first element with this test id.
    pub fn text(&self, testid: &str) -> String {
        self.one(testid).text_content().unwrap_or_default()
    }

    /// The texts of all elements with this test id.
    pub fn texts(&self, testid: &str) -> Vec<String> {
        self.all(&format!("[data-testid={testid}]")).iter().filter_map(|element| element.text_content()).collect()
    }

    /// An attribute of all elements with this test id.
    pub fn attributes(&self, testid: &str, name: &str) -> Vec<String> {
        self.all(&format!("[data-testid={testid}]")).iter().filter_map(|element| element.get_attribute(name)).collect()
    }

    /// The labels of all elements that a selector finds.
    pub fn labels(&self, selector: &str) -> Vec<String> {
        self.all(selector).iter().filter_map(|element| element.get_attribute("aria-label")).collect()
    }

    /// An attribute of what has the focus.
    pub fn focused(&self, name: &str) -> Option<String> {
        web_sys::window()?.document()?.active_element()?.get_attribute(name)
    }

    /// What stands in a field, or is chosen of a list.
    pub fn value(&self, testid: &str) -> String {
        let element = self.one(testid);
        if let Some(input) = element.dyn_ref::<HtmlInputElement>() {
            return input.value();
        }
        match element.dyn_ref::<HtmlSelectElement>() {
            Some(list) => list.value(),
            None => element.unchecked_into::<HtmlTextAreaElement>().value(),
        }
    }

    /// Whether a control takes nothing.
    pub fn is_disabled(&self, testid: &str) -> bool {
        self.one(testid).has_attribute("disabled")
    }

    /// Puts a text into a field, as a person's paste would.
    pub async fn type_into(&self, testid: &str, text: &str) {
        let element = self.one(testid);
        match element.dyn_ref::<HtmlInputElement>() {
            Some(input) => input.set_value(text),
            None => element.unchecked_ref::<HtmlTextAreaElement>().set_value(text),
        }
        let init = EventInit::new();
        init.set_bubbles(true);
        let event = DomEvent::new_with_event_init_dict("input", &init).expect("an event");
        element.dispatch_event(&event).expect("dispatched");
        self.settle().await;
    }

    /// Chooses one of a list.
    pub async fn choose(&self, testid: &str, value: &str) {
        let list: HtmlSelectElement = self.one(testid).unchecked_into();
        list.set_value(value);
        let init = EventInit::new();
        init.set_bubbles(true);
        let event = DomEvent::new_with_event_init_dict("change", &init).expect("an event");
        list.dispatch_event(&event).expect("dispatched");
        self.settle().await;
    }

    /// Clicks.
    pub async fn click(&self, testid: &str) {
        self.one(testid).unchecked_into::<HtmlElement>().click();
        self.settle().await;
    }

    /// Moves the pointer over the first element with this test id.
    pub async fn point_at(&self, testid: &str) {
        let init = EventInit::new();
        init.set_bubbles(true);
        let event = DomEvent::new_with_event_init_dict("mouseover", &init).expect("an event");
        self.one(testid).dispatch_event(&event).expect("dispatched");
        self.settle().await;
    }

    /// Moves the pointer out of the first element that a selector finds.
    pub async fn leave(&self, selector: &str) {
        let init = EventInit::new();
        init.set_bubbles(true);
        let event = DomEvent::new_with_event_init_dict("mouseout", &init).expect("an event");
        self.all(selector)[0].dispatch_event(&event).expect("dispatched");
        self.settle().await;
    }

    /// Clicks on something drawn, which has no method for that.
    pub async fn click_svg(&self, testid: &str) {
        let init = EventInit::new();
        init.set_bubbles(true);
        let event = DomEvent::new_with_event_init_dict("click", &init).expect("an event");
        self.one(testid).dispatch_event(&event).expect("dispatched");
        self.settle().await;
    }

    /// Marks what a selector finds with `data-marked`, to tell it from what comes later.
    pub fn mark(&self, selector: &str) {
        self.all(selector).iter().for_each(|element| element.set_attribute("data-marked", "").expect("an attribute"));
    }

    /// Presses a key in a field.
    pub async fn press(&self, testid: &str, key: &str, with_shift: bool) {
        self.press_in(&self.one(testid), key, with_shift).await;
    }

    /// Presses a key in whatever has the focus.
    pub async fn press_focused(&self, key: &str) {
        let document = web_sys::window().and_then(|window| window.document());
        let focused = document.and_then(|document| document.active_element()).expect("something has the focus");
        self.press_in(&focused, key, false).await;
    }

    async fn press_in(&self, element: &Element, key: &str, with_shift: bool) {
        let init = KeyboardEventInit::new();
        init.set_key(key);
        init.set_shift_key(with_shift);
        init.set_bubbles(true);
        init.set_cancelable(true);
        let event = KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &init).expect("an event");
        element.dispatch_event(&event).expect("dispatched");
        self.settle().await;
    }

    /// Lets the app render and run its effects.
    pub async fn settle(&self) {
        for _ in 0..3 {
            Pause::for_ms(0).await;
        }
    }

    fn find(&self, testid: &str) -> Option<Element> {
        self.element.query_selector(&format!("[data-testid={testid}]")).expect("a selector")
    }

    /// The first element with this test id.
    pub fn one(&self, testid: &str) -> Element {
        let shown = || self.element.text_content().unwrap_or_default();
        self.find(testid).unwrap_or_else(|| panic!("no {testid}; the screen shows: {}", shown()))
    }

    /// All elements that a selector finds.
    pub fn all(&self, selector: &str) -> Vec<Element> {
        let list = self.element.query_selector_all(selector).expect("a selector");
        (0..list.length()).filter_map(|index| list.get(index)).map(JsCast::unchecked_into).collect()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Some(app) = self.app.take() {
            app.destroy();
        }
        self.element.remove();
    }
}

#[derive(Clone)]
struct Handle(Rc<Shared>);

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

#[derive(PartialEq, Properties)]
struct HostProps {
    shared: Handle,
}

/// What the app's own root does, for the test's engine and browser.
#[component]
fn Host(props: &HostProps) -> Html {
    let shared = Rc::clone(&props.shared.0);
    let state = use_state(Rc::<AppState>::default);
    shared.shown.replace(Some(state.setter()));
    let reach = use_memo((), move |()| {
        let orders = Rc::clone(&shared);
        let engine = EngineHandle::new(move |action| orders.orders.borrow_mut().push(action));
        Reach { engine, browser: Rc::new(browser(&shared)) }
    });
    html! {
        <ContextProvider<Reach> context={(*reach).clone()}>
            <ContextProvider<Rc<AppState>> context={(*state).clone()}>
                <App />
            </ContextProvider<Rc<AppState>>>
        </ContextProvider<Reach>>
    }
}

fn browser(shared: &Rc<Shared>) -> Browser {
    let [path, set, seen, told, copying, recalled, kept, titled] = std::array::from_fn(|_| Rc::clone(shared));
    Browser {
        path: Rc::new(move || path.path.borrow().clone()),
        set_path: Rc::new(move |to, _| drop(set.path.replace(to.to_owned()))),
        on_path: Rc::new(|_| Guard::new(())),
        is_visible: Rc::new(move || seen.is_visible.get()),
        on_visibility: Rc::new(move |changed| {
            told.visibility.replace(Some(changed));
            Guard::new(())
        }),
        after_ms: Rc::new(|wait_ms, then| Guard::new(b4::platform::screen::after_ms(wait_ms, then))),
        read_chosen: Rc::new(|_, then| then(Vec::new())),
        copy: Rc::new(move |_, then| drop(copying.clipboard.replace(Some(then)))),
        origin: Rc::new(|| "https://b4.example".to_owned()),
        theme: Rc::new(|| None),
        set_theme: Rc::new(|_| ()),
        draft: Rc::new(move |to| recalled.drafts.borrow().get(to).cloned().unwrap_or_default()),
        keep_draft: Rc::new(move |to, text| drop(kept.drafts.borrow_mut().insert(to.to_owned(), text.to_owned()))),
        set_title: Rc::new(move |title| drop(titled.title.replace(title.to_owned()))),
    }
}
