// Which words a delegation can be printed in, by what keeps the zone above.

import { displayName } from "../wire/name.js";
import type { Delegation } from "./delegation.js";
import {
  type FormedDelegation,
  plainestLabel,
  powerdnsText,
  type ZoneFileStyle,
  zoneText,
} from "./delegation-formats.js";
import { powershellText } from "./delegation-powershell.js";
import { route53Text } from "./delegation-route53.js";
import type { delegationForms } from "./options.js";
import { plainWord } from "./shell-words.js";

export type DelegationForm = (typeof delegationForms)[number];

/** Says a delegation in the words of what keeps the zone above. */
export function formed(delegation: Delegation, form: DelegationForm): FormedDelegation {
  switch (form) {
    case "bind":
      return { text: zoneText(delegation), warnings: [] };
    case "knot":
      return { text: zoneText(delegation, knotStyle(delegation)), warnings: [] };
    case "powerdns":
      return { text: powerdnsText(delegation), warnings: [] };
    case "powershell":
      return powershellText(delegation);
    case "route53":
      return route53Text(delegation);
  }
}

const knotStyle = ({ origin }: Delegation): ZoneFileStyle => ({
  labelText: plainestLabel,
  after: `that is, into its file, with a higher serial; then knotc zone-reload ${plainWord(displayName(origin))}`,
});
