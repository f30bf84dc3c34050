/* The staff pages' modules. Each stands alone and listens on the document, so that what htmx brings in
   later works without being set up. */

import "./prefs.js";
import "./session.js";
import "./keep.js";
import "./keys.js";
import "./combobox.js";
import "./palette.js";
import "./toast.js";
import "./dialog.js";
import "./menu.js";
import "./copy.js";
import "./clicks.js";
import "./draft.js";
import "./countdown.js";
import "./listnav.js";
import "./scroller.js";
import "./amount.js";
import "./room.js";
import "./print.js";
