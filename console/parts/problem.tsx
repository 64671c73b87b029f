import type { Service } from "../api/service.ts";
import type { Problem as ProblemBody } from "../api/wire.ts";

export interface ProblemProps {
  readonly problem: ProblemBody;
  /** Whose it is, for the page that explains its code. */
  readonly service: Service;
  /** Whether it is told at once to who cannot see it. */
  readonly urgent?: boolean;
}

/** An error as it came from the API: what, why, where in the request, and under which id to ask about it. */
export function Problem({ problem, service, urgent = false }: ProblemProps) {
  const { title, detail, code, status, errors = [], request_id, type } = problem;
  return (
    <div class="problem" role={urgent ? "alert" : undefined}>
      <p class="problem-title">{title}</p>
      <p>{detail}</p>
      {errors.length > 0 && (
        <ul>
          {errors.map((error) => (
            <li key={error.path}>
              <code>{error.path}</code> {error.message}
            </li>
          ))}
        </ul>
      )}
      <p class="problem-facts">
        {status > 0 && `${status} `}
        {type.startsWith("/problems/") ? (
          <a href={service.url + type} target="_blank" rel="noreferrer">
            {code}
          </a>
        ) : (
          <code>{code}</code>
        )}
        {request_id !== "" && (
          <>
            {" "}
            request <code>{request_id}</code>
          </>
        )}
      </p>
    </div>
  );
}
