/* What a customer's or a sign-in page needs: very little. */

import "./prefs.js";
import "./menu.js";
import "./copy.js";
import "./clicks.js";
import "./keep.js";
