// What the page reads from the API: the API's own shapes, as types alone. Nothing
// of discd itself comes into the page.

export type {
  DomainView as Domain,
  HealthView as Health,
  HostView as Host,
  InterfaceView as Link,
  KnownDomainView as KnownDomain,
  PacketView as Packet,
  QuestionView as Question,
  Service,
  SubscriptionView as Subscription,
  Summary,
  TxtPair as Txt,
  UpdateView as Update,
  ZoneView as Zone,
} from "../src/api/shapes.js";
